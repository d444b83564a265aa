/** Connections through the ssh2 library; the only file that knows it. What it gets wrong by default is set right here. */
import type { Duplex } from 'node:stream'
import ssh2, { type AnyAuthMethod, type GetStreamCallback, type IdentityCallback, type ParsedKey } from 'ssh2'
import { ConnectError } from '../errors.ts'
import { AgentWatch } from './agent-watch.ts'
import { offerTo } from './algorithms.ts'
import { inTurn, methodsOf } from './authentication.ts'
import { asksOther, closedEarly, loginFailure, unanswered } from './failure.ts'
import { Greeting } from './greeting.ts'
import { namesOf } from './host-key-check.ts'
import { FirstWords } from './kexinit.ts'
import { startTimers } from './login-timers.ts'
import { LoginTurns } from './login-turns.ts'
import type { Route } from './route.ts'
import { Ssh2Connection } from './ssh2-connection.ts'
import { createOpener, type Login, type Opener } from './ssh2-opener.ts'
import type { Ssh2Options } from './ssh2-options.ts'

// A CommonJS module: Node finds only some of its names by itself.
const { Client, OpenSSHAgent, utils } = ssh2

const KEEPALIVE_MOST = 3

/** Makes the opener of SSH connections; keys and jump hosts are shared in it, so a run needs one. */
export function createSsh2Connect(options: Ssh2Options): Opener {
  const mute = new Set<string>()
  const agentFor: AgentFor = (socketPath, wanted = () => true) =>
    new Agent(socketPath, wanted, new AgentWatch(socketPath, mute))
  return createOpener(options, {
    parse: parseKey,
    publicBlob: key => key.getPublicSSH(),
    agentKeys: socketPath => keysOf(agentFor(socketPath)),
    logIn: (route, stream, login) => logIn(route, stream, login, agentFor),
  })
}

function parseKey(text: string, passphrase: string | null): ParsedKey | Error {
  const key = passphrase === null ? utils.parseKey(text) : utils.parseKey(text, passphrase)
  if (key instanceof Error) return key
  return key.isPrivateKey() ? key : new Error('a public key')
}

/** An agent of which only some keys may be tried, and which may not take for ever. */
class Agent extends OpenSSHAgent {
  readonly watch: AgentWatch
  readonly #wanted: (publicBlob: Buffer) => boolean
  constructor(socketPath: string, wanted: (publicBlob: Buffer) => boolean, watch: AgentWatch) {
    super(socketPath)
    this.#wanted = wanted
    this.watch = watch
  }
  override getStream(done: GetStreamCallback): void {
    super.getStream((error, stream) => {
      if (stream) this.watch.opened(stream)
      done(error, stream)
    })
  }
  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    const show: IdentityCallback<ParsedKey> = (error, keys) => {
      this.watch.answered()
      done(
        error,
        keys?.filter(key => 'getPublicSSH' in key && this.#wanted(key.getPublicSSH())),
      )
    }
    if (this.watch.mayAsk()) super.getIdentities((error, keys) => (error ? done(error) : show(error, keys)))
    else done(new Error('it does not answer'))
  }
}

type AgentFor = (socketPath: string, wanted?: (publicBlob: Buffer) => boolean) => Agent

/** Public halves of what the agent holds; none where there is none, or it does not answer. */
function keysOf(agent: Agent): Promise<readonly Buffer[]> {
  const { promise, resolve } = Promise.withResolvers<readonly Buffer[]>()
  agent.getIdentities((error, keys) =>
    resolve(error ? [] : (keys ?? []).flatMap(key => ('getPublicSSH' in key ? [key.getPublicSSH()] : []))),
  )
  return promise
}

async function logIn(
  route: Route,
  stream: Duplex,
  options: Login<ParsedKey>,
  agentFor: AgentFor,
): Promise<Ssh2Connection> {
  const { host, knownHosts } = route
  const { credentials, limits, signal } = options
  const { promise, resolve, reject } = Promise.withResolvers<Ssh2Connection>()
  const words = new FirstWords()
  const tried: AnyAuthMethod['type'][] = []
  const offer = offerTo(host, knownHosts.knownTypes(...namesOf(route)), route.algorithms)
  const agent =
    route.agentSocket !== undefined && credentials.fromAgent ? agentFor(route.agentSocket, credentials.fromAgent) : null
  const otherQuestion = (question: string, answered: boolean): void => {
    turns.end(answered ? 'broken' : 'unasked')
    reject(asksOther(host, question))
  }
  const turns = new LoginTurns(
    inTurn(methodsOf(host.user, credentials, agent, { order: route.methods, onOther: otherQuestion }), type =>
      tried.push(type),
    ),
    options.gate,
    {
      ...{ host: host.name, user: host.user, password: credentials.password, signal },
      waiting: turn => timers.during(turn),
    },
  )
  let encrypted = false
  let spoken = false
  let hostKey: ConnectError | null = null
  let connection: Ssh2Connection | undefined
  const progress = (hungUp: boolean) => ({
    encrypted,
    tried: turns.isWaiting ? tried.slice(0, -1) : tried,
    hungUp,
    accepted: turns.accepted,
    offer,
    words: words.offer,
  })
  const client = new Client()
  // For good, and not once: the library may report several errors, and one without a listener ends the process.
  client.on('error', error => {
    if (connection) connection.failed(error)
    // An agent that fails is only one way in less; the library goes on with the next.
    else if (!('level' in error && error.level === 'agent')) {
      reject(hostKey ?? loginFailure(host, error, progress(stream.readableEnded || stream.destroyed)))
    }
  })
  client.on('handshake', () => {
    encrypted = true
  })
  client.on('ready', () => {
    turns.end('in')
    connection = new Ssh2Connection(host, client, stream, options.keepaliveMs)
    resolve(connection)
  })
  client.on('close', () => reject(hostKey ?? closedEarly(host, progress(true))))
  // Before the library listens: what it does not understand it reports at once.
  const greeting = new Greeting(stream, () => {
    spoken = true
    limits.onSpeaking?.()
  })
  stream.on('data', (chunk: Buffer) => {
    if (!encrypted) words.hear(chunk)
  })

  const timers = startTimers(host, { limits, signal, hasSpoken: () => spoken, reject })
  try {
    client.connect({
      sock: stream,
      username: host.user,
      algorithms: offer,
      // Without a verifier the library takes any key.
      hostVerifier: (blob: Buffer): boolean => {
        hostKey = options.check(blob)
        return hostKey === null
      },
      authHandler: (accepted, passed, next) => {
        turns.next(accepted, passed).then(
          // The types do not know it: false says that nothing is left.
          method => (next as (method: AnyAuthMethod | false) => void)(method),
          (error: unknown) => reject(error),
        )
      },
      // Both deadlines are ours, see startTimers.
      readyTimeout: 0,
      keepaliveInterval: options.keepaliveMs,
      keepaliveCountMax: route.keepaliveMost ?? KEEPALIVE_MOST,
    })
    return await promise
  } catch (thrown) {
    const error = turns.isGiven ? unanswered(host, thrown) : greeting.explain(host, thrown)
    turns.end(thrown instanceof ConnectError && thrown.reason === 'auth' ? 'denied' : 'broken')
    throw agent?.watch.blame(host, error) ?? error
  } finally {
    timers.stop()
    agent?.watch.close()
  }
}
