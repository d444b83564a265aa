/** Connections through the ssh2 library; the only file that knows it. What it gets wrong by default is set right here. */
import type { Socket } from 'node:net'
import ssh2, { type AnyAuthMethod, type IdentityCallback, type ParsedKey } from 'ssh2'
import { ConnectError } from '../errors.ts'
import type { Host, HostKeyPolicy } from '../inventory/host.ts'
import { offerTo } from './algorithms.ts'
import { type Attempt, type Limits, SINGLE } from './attempt.ts'
import { type Credentials, credentialsFor, inTurn, methodsOf } from './authentication.ts'
import { cannotConnect, closedEarly, loginFailure } from './failure.ts'
import { checkHostKey } from './host-key-check.ts'
import { createKeyring } from './keyring.ts'
import type { KnownHosts } from './known-hosts.ts'
import { openSocket } from './socket.ts'
import { Ssh2Connection } from './ssh2-connection.ts'

// A CommonJS module: Node finds only some of its names by itself.
const { Client, OpenSSHAgent, utils } = ssh2

export interface Ssh2Options {
  readonly knownHosts: KnownHosts
  /** For hosts that name none of their own. */
  readonly policy: HostKeyPolicy
  readonly agentSocket?: string | undefined
  /** Tried where no key file is named; those that do not exist are passed over. */
  readonly defaultKeyFiles?: readonly string[]
  /** Asked once a file; null = none. */
  readonly askPassphrase?: (file: string) => Promise<string | null>
  /** A silent connection is asked after so long whether it lives, and given up after four such silences. */
  readonly keepaliveMs?: number
}

const KEEPALIVE_MS = 10_000

/** Makes the opener of SSH connections; keys are cached in it, so a run needs one. */
export function createSsh2Connect(options: Ssh2Options): Attempt {
  const { defaultKeyFiles = [], agentSocket, askPassphrase } = options
  const keyring = createKeyring<ParsedKey>({ parse: parseKey, publicBlob: key => key.getPublicSSH(), askPassphrase })
  const sources = { keyring, defaultKeyFiles, hasAgent: agentSocket !== undefined }
  return async (host, signal, limits = SINGLE) => {
    // Before any connection: a passphrase typed slowly must not run into the server's LoginGraceTime.
    const credentials = await credentialsFor(host, sources)
    const start = performance.now()
    const socket = await openSocket(host, { tcpMs: limits.tcpMs, totalMs: limits.totalMs, signal })
    const totalMs = Math.max(1, limits.totalMs - (performance.now() - start))
    try {
      return await logIn(host, socket, { ...options, credentials, limits: { ...limits, totalMs }, signal })
    } catch (error) {
      socket.destroy()
      throw withProblem(host, error, credentials)
    }
  }
}

function parseKey(text: string, passphrase: string | null): ParsedKey | Error {
  const key = passphrase === null ? utils.parseKey(text) : utils.parseKey(text, passphrase)
  if (key instanceof Error) return key
  return key.isPrivateKey() ? key : new Error('a public key')
}

/** A key we could not use explains a denied login better than the denial does. */
function withProblem(host: Host, error: unknown, { problems }: Credentials<ParsedKey>): unknown {
  const [first] = problems
  if (!(error instanceof ConnectError) || error.reason !== 'auth' || !first) return error
  const { problem, hint } = first
  return new ConnectError(host.name, 'auth', `${error.message}; ${problem}`, { hint, cause: error })
}

/** An agent of which only some keys may be tried. */
class ChosenAgent extends OpenSSHAgent {
  readonly #wanted: (publicBlob: Buffer) => boolean
  constructor(socketPath: string, wanted: (publicBlob: Buffer) => boolean) {
    super(socketPath)
    this.#wanted = wanted
  }
  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    super.getIdentities((error, keys) =>
      done(
        error,
        keys?.filter(key => 'getPublicSSH' in key && this.#wanted(key.getPublicSSH())),
      ),
    )
  }
}

interface LoginOptions extends Ssh2Options {
  readonly credentials: Credentials<ParsedKey>
  readonly limits: Limits
  readonly signal: AbortSignal
}

async function logIn(host: Host, socket: Socket, options: LoginOptions): Promise<Ssh2Connection> {
  const { knownHosts, agentSocket, credentials, limits, signal, keepaliveMs = KEEPALIVE_MS } = options
  const { promise, resolve, reject } = Promise.withResolvers<Ssh2Connection>()
  const tried: AnyAuthMethod['type'][] = []
  const progress = { encrypted: false, tried }
  const hungUp = (): boolean => socket.readableEnded || socket.destroyed
  let hostKey: ConnectError | null = null
  let connection: Ssh2Connection | undefined
  const client = new Client()
  // For good, and not once: the library may report several errors, and one without a listener ends the process.
  client.on('error', error => {
    if (connection) connection.failed(error)
    // An agent that fails is only one way in less; the library goes on with the next.
    else if (!('level' in error && error.level === 'agent')) {
      reject(hostKey ?? loginFailure(host, error, { ...progress, hungUp: hungUp() }))
    }
  })
  client.on('handshake', () => {
    progress.encrypted = true
  })
  client.on('ready', () => {
    connection = new Ssh2Connection(host, client, socket)
    resolve(connection)
  })
  client.on('close', () => reject(hostKey ?? closedEarly(host, { ...progress, hungUp: true })))

  const agent =
    agentSocket !== undefined && credentials.fromAgent ? new ChosenAgent(agentSocket, credentials.fromAgent) : null
  const next = inTurn(methodsOf(host.user, credentials, agent), type => tried.push(type))
  const stopTimers = startTimers(host, socket, { limits, signal, reject })
  try {
    client.connect({
      sock: socket,
      username: host.user,
      algorithms: offerTo(host, knownHosts.knownTypes(host.address, host.port)),
      // Without a verifier the library takes any key.
      hostVerifier: (blob: Buffer): boolean => {
        hostKey = checkHostKey(host, blob, knownHosts, host.hostKeyPolicy ?? options.policy)
        return hostKey === null
      },
      authHandler: accepted => next(accepted),
      // Both deadlines are ours, see startTimers.
      readyTimeout: 0,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: 3,
    })
    socket.once('data', () => limits.onSpeaking?.())
    return await promise
  } finally {
    stopTimers()
  }
}

interface TimerOptions {
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly reject: (error: ConnectError) => void
}

/** One deadline for the server's first byte, one for the whole login. Returns what takes them away again. */
function startTimers(host: Host, socket: Socket, { limits, signal, reject }: TimerOptions): () => void {
  const { bannerMs, loginMs, totalMs } = limits
  const late = (what: string): void => reject(cannotConnect(host, 'timeout', what))
  const banner = setTimeout(
    () => {
      if (socket.bytesRead === 0) late('the connection stands, but the SSH server does not speak')
    },
    Math.min(bannerMs, totalMs),
  )
  const login = setTimeout(
    () => late('the SSH server speaks, but the login does not end'),
    Math.min(bannerMs + loginMs, totalMs),
  )
  const onAbort = (): void => reject(new ConnectError(host.name, 'aborted', `${host.name}: stopped while connecting`))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return () => {
    clearTimeout(banner)
    clearTimeout(login)
    signal.removeEventListener('abort', onAbort)
  }
}
