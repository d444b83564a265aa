/** How a connection is opened, whatever the library: the credentials first, then the way there, then the login. */
import type { Duplex } from 'node:stream'
import type { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type Attempt, type Limits, SINGLE } from './attempt.ts'
import { type Credentials, credentialsFor, withProblem } from './authentication.ts'
import { Bastions } from './bastions.ts'
import { checkHostKey } from './host-key-check.ts'
import { createKeyring, type KeyringOptions, type KeyWish } from './keyring.ts'
import type { PasswordGate } from './password-gate.ts'
import { openCommand, withCommandWords } from './proxy-command.ts'
import { retrying } from './retry.ts'
import { type Route, straight } from './route.ts'
import { openSocket } from './socket.ts'
import type { Ssh2Connection } from './ssh2-connection.ts'
import type { Ssh2Options } from './ssh2-options.ts'

/** Opens connections once; what a person may be asked for them is asked before. */
export interface Opener extends Attempt<Ssh2Connection> {
  /** Loads the keys of the host and of every jump host before it. What is wrong with them the attempt itself will say. */
  prepare(host: Host): Promise<void>
}

/** What one login is given. */
export interface Login<Key> {
  readonly gate: PasswordGate | undefined
  /** null = this is the host; else why the connection ends here. */
  readonly check: (blob: Buffer) => ConnectError | null
  readonly credentials: Credentials<Key>
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly keepaliveMs: number
}

/** The SSH library. */
interface Library<Key> extends Pick<KeyringOptions<Key>, 'parse' | 'publicBlob'> {
  readonly agentKeys: (socketPath: string) => Promise<readonly Buffer[]>
  readonly logIn: (route: Route, stream: Duplex, login: Login<Key>) => Promise<Ssh2Connection>
}

/** Of a jump host also the most: all hosts behind it hang on the answer. */
const KEEPALIVE_MS = 10_000

/** Keys and jump hosts are shared in it, so a run needs one. */
export function createOpener<Key extends object>(options: Ssh2Options, { logIn, ...library }: Library<Key>): Opener {
  const { defaultKeyFiles = [], agentSocket, askPassphrase, jumpBudgetMs, look } = options
  const resolve = 'resolve' in options ? options.resolve : straight(options.knownHosts, options.policy, agentSocket)
  const heldBy = oncePer(library.agentKeys)
  const keyring = createKeyring<Key>({
    ...library,
    askPassphrase,
    agentKeys: async socketPath => (socketPath === undefined ? [] : await heldBy(socketPath)),
  })
  const nothing: Credentials<Key> = { keys: [], fromAgent: null, password: null, problems: [] }
  const credentialsOf = (route: Route): Promise<Credentials<Key>> => {
    const { agentSocket } = route
    const own = (file: string, wish?: KeyWish) => keyring(file, { ...wish, agentSocket })
    return credentialsFor(route, { keyring: own, defaultKeyFiles, hasAgent: agentSocket !== undefined })
  }
  interface Target {
    readonly route: Route
    /** Carries other connections. */
    readonly isJump: boolean
    readonly look?: ((blob: Buffer) => ConnectError) | undefined
  }
  const open = async ({ route, isJump, look }: Target, signal: AbortSignal, limits: Limits) => {
    // Once more, for the first time only where nobody prepared it: the keyring has them.
    const credentials = look ? nothing : await credentialsOf(route)
    const start = performance.now()
    const stream = await openStream(route, signal, limits)
    const totalMs = Math.max(1, limits.totalMs - (performance.now() - start))
    const asked = route.keepaliveMs ?? KEEPALIVE_MS
    try {
      return await logIn(route, stream, {
        ...{ gate: options.gate, credentials, signal, limits: { ...limits, totalMs } },
        check: look ?? (blob => checkHostKey(route, blob)),
        keepaliveMs: options.keepaliveMs ?? (isJump ? Math.min(asked, KEEPALIVE_MS) : asked),
      })
    } catch (error) {
      stream.destroy()
      throw await withCommandWords(route.host, withProblem(route.host, error, credentials), stream)
    }
  }
  const bastions = new Bastions((jump, signal) =>
    retrying(
      (_, stop, limits = SINGLE) => open({ route: jump, isJump: true }, stop, limits),
      jumpBudgetMs ? { budgetMs: jumpBudgetMs } : {},
    )(jump.host, signal),
  )
  const openStream = async ({ host, via, from }: Route, signal: AbortSignal, limits: Limits): Promise<Duplex> => {
    const { tcpMs, totalMs, onSpeaking } = limits
    if (via === null) return openSocket(host, { tcpMs, totalMs, signal, from })
    if ('jump' in via) return bastions.stream({ jump: via.jump, to: host, tcpMs, totalMs, signal, onWait: onSpeaking })
    return openCommand(host, via.command)
  }
  const attempt: Attempt<Ssh2Connection> = async (host, signal, limits = SINGLE) =>
    open({ route: await resolve(host), isJump: false, look: look && (blob => look(host, blob)) }, signal, limits)
  const prepare = async (host: Host): Promise<void> => {
    const hops = hopsOf(await resolve(host))
    // One after the other, as they are passed: so the questions come in that order.
    for (const route of look ? hops.slice(0, -1) : hops) await credentialsOf(route).catch(() => {})
  }
  return Object.assign(attempt, { prepare })
}

/** The first jump host first, the host itself last. */
function hopsOf(route: Route): readonly Route[] {
  return [...(route.via !== null && 'jump' in route.via ? hopsOf(route.via.jump) : []), route]
}

function oncePer<K, T>(work: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const done = new Map<K, Promise<T>>()
  return key => {
    const value = done.get(key) ?? work(key)
    done.set(key, value)
    return value
  }
}
