/**
 * Jump hosts: one connection each for all hosts behind it, made when the first needs it, made again when it breaks or goes
 * silent, closed a moment after the last has gone. Another login a host would run into the jump host's MaxStartups.
 */
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { ConnectError, messageOf } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { cannotConnect } from './failure.ts'
import type { Route } from './route.ts'

/** The part of a connection that carries others. */
export interface Carrier extends AsyncDisposable {
  readonly alive: boolean
  /** It does not answer just now. */
  readonly isSilent: boolean
  /** Rejects with ConnectError of the host behind. */
  forward(to: Host): Promise<Duplex>
}

export interface Passage {
  readonly jump: Route
  readonly to: Host
  /** For the host behind to answer, once the jump host is there; a name is given time to be looked up there. */
  readonly tcpMs: number
  /** For everything. */
  readonly totalMs: number
  readonly signal: AbortSignal
  /** True while the jump host itself has to be waited for, or what it looks up: that silence is not the host's. */
  readonly onWait?: ((waits: boolean) => void) | undefined
}

/**
 * A resolver whose first servers are dead takes ten seconds and is still right. sshd does nothing else meanwhile, so that
 * nobody asks it for the same name beside.
 */
const LOOK_UP_MS = 15_000

interface Entry {
  readonly carrier: Promise<Carrier>
  readonly stop: AbortController
  /** Streams over it, and those who wait for it. */
  users: number
  /** Set once it is known. */
  settled: Carrier | { readonly error: unknown; readonly at: number } | null
  closing: NodeJS.Timeout | undefined
}

interface Options {
  /** A jump host nobody uses is kept for so long: the next host of a batch, the second login of the same. */
  readonly lingerMs?: number
  /** A failure is not tried again for so long: each of a thousand hosts behind would wait out the whole time limit. */
  readonly failureMs?: number
}

export class Bastions {
  readonly #entries = new Map<Route, Entry>()
  readonly #open: (jump: Route, signal: AbortSignal) => Promise<Carrier>
  readonly #lingerMs: number
  readonly #failureMs: number

  constructor(open: (jump: Route, signal: AbortSignal) => Promise<Carrier>, options: Options = {}) {
    this.#open = open
    this.#lingerMs = options.lingerMs ?? 500
    this.#failureMs = options.failureMs ?? 15_000
  }

  /** A stream to the SSH port of the host behind. Rejects with ConnectError of that host. */
  async stream({ jump, to, tcpMs, totalMs, signal, onWait }: Passage): Promise<Duplex> {
    const start = performance.now()
    const entry = this.#entryFor(jump)
    if (entry.settled === null) onWait?.(true)
    entry.users += 1
    clearTimeout(entry.closing)
    const leave = (): void => this.#leave(jump, entry)
    try {
      const carrier = await unlessAborted(entry.carrier, to, signal)
      const isName = isIP(to.address) === 0
      onWait?.(isName)
      const leftMs = Math.max(1, totalMs - (performance.now() - start))
      const limitMs = Math.min(leftMs, isName ? tcpMs + LOOK_UP_MS : tcpMs)
      const stream = await inTime(carrier.forward(to), { jump, to, limitMs, isName, signal })
      onWait?.(false)
      stream.once('close', leave)
      return stream
    } catch (error) {
      leave()
      throw behind(jump, to, error)
    }
  }

  #entryFor(jump: Route): Entry {
    const found = this.#entries.get(jump)
    if (found && this.#holds(jump, found)) return found
    const stop = new AbortController()
    const entry: Entry = { carrier: this.#open(jump, stop.signal), stop, users: 0, settled: null, closing: undefined }
    entry.carrier.then(
      carrier => {
        entry.settled = carrier
      },
      (error: unknown) => {
        entry.settled = { error, at: performance.now() }
      },
    )
    this.#entries.set(jump, entry)
    return entry
  }

  /** A key that is not the known one stays so, and a refused password is not given twice; all else may heal. */
  #holds({ host }: Route, { settled }: Entry): boolean {
    if (settled === null) return true
    // On a silent one nothing is known of anybody: those who are on it may wait, those who come need not.
    if (!('error' in settled)) return settled.alive && !settled.isSilent
    const { error, at } = settled
    if (error instanceof ConnectError && error.reason === 'aborted') return false
    const reason = error instanceof ConnectError ? error.reason : null
    const isFinal = reason === 'host-key' || (reason === 'auth' && host.password !== null)
    return isFinal || performance.now() - at < this.#failureMs
  }

  #leave(jump: Route, entry: Entry): void {
    entry.users -= 1
    if (entry.users > 0) return
    entry.closing = setTimeout(() => {
      const { settled } = entry
      if (settled !== null && 'error' in settled) return
      if (this.#entries.get(jump) === entry) this.#entries.delete(jump)
      entry.stop.abort()
      void entry.carrier.then(
        carrier => carrier[Symbol.asyncDispose](),
        () => {},
      )
    }, this.#lingerMs)
    // A jump host that could not be reached keeps nobody waiting.
    if (entry.settled !== null && 'error' in entry.settled) entry.closing.unref()
  }
}

/** The host's error: which jump host, and what it or its network said. */
function behind({ host: jump }: Route, to: Host, error: unknown): unknown {
  if (!(error instanceof ConnectError) || error.host === to.name) return error
  const message = `${to.name}: through ${jump.name}: ${messageOf(error)}`
  // The one thing a person who names a key by a flag expects of it, and ssh does that neither.
  const isKeyElsewhere = error.reason === 'auth' && to.privateKeyFile !== null && jump.privateKeyFile === null
  const keys = `the key named for ${to.name} is not tried on jump hosts: for ${jump.name} IdentityFile in ssh_config, or an agent`
  return new ConnectError(to.name, error.reason, message, { hint: isKeyElsewhere ? keys : error.hint, cause: error })
}

async function unlessAborted<T>(work: Promise<T>, to: Host, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new ConnectError(to.name, 'aborted', `${to.name}: stopped while connecting`))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

interface Opening extends Pick<Passage, 'jump' | 'to' | 'signal'> {
  readonly limitMs: number
  readonly isName: boolean
}

/** The protocol cannot take back a wish for a channel: one that opens after its time is closed again. */
async function inTime(opening: Promise<Duplex>, { jump, to, limitMs, isName, signal }: Opening): Promise<Duplex> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const what = isName ? 'neither its name was looked up nor a TCP connection opened' : 'no TCP connection was opened'
    const text = `through ${jump.host.name}: ${what} there within ${Math.round(limitMs / 100) / 10}s`
    reject(cannotConnect(to, 'timeout', text))
  }, limitMs)
  try {
    return await unlessAborted(Promise.race([opening, late]), to, signal)
  } catch (error) {
    opening.then(
      stream => stream.destroy(),
      () => {},
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
}
