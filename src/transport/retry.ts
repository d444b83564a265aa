/** Connecting again, within one budget a host. Nothing but connecting is ever repeated. */
import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type Attempt, limitsOf } from './attempt.ts'
import type { Connection } from './connection.ts'
import type { Door, Passed, Slot } from './doors.ts'

/** Where a new login gets through one time in eight, this lets about twenty draws happen. */
export const DEFAULT_BUDGET_MS = 60_000

export interface RetryOptions {
  /** For hosts that name no budget of their own. */
  readonly budgetMs?: number
  /** A host that is silent for so long is tried once more beside the attempt that waits. */
  readonly silenceMs?: number
  /** Milliseconds on some clock; with `random` (0 to 1) and `sleep`, what tests put their own in for. */
  readonly now?: () => number
  readonly random?: () => number
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  /**
   * What flags and ssh_config make of the host: its budget, before the one it names itself, and where its logins are let
   * in (waiting there costs no budget, and neither does this).
   */
  readonly wayTo?: (host: Host) => Promise<{ readonly budgetMs: number | null; readonly door: Door }>
}

/** A refusal is an answer: the host is there and its sshd is not. Three tries cover a restart. */
const REFUSALS = 3
/** Below this no attempt is worth starting. */
const LEAST_ATTEMPT_MS = 500
/** Room for one SYN that the kernel repeats after a second; then another draw is worth more than waiting. */
const SILENCE_MS = 1_500
/** Attempts beside each other; sshd's own limit for connections that have not logged in begins at ten. */
const MOST_AT_ONCE = 4

interface Running<Opened extends Connection> {
  readonly stop: AbortController
  readonly result: Promise<Settled<Opened>>
  /** The server has said something, or is not what is waited for. */
  speaking: boolean
}

type Settled<Opened extends Connection> = { readonly of: Running<Opened> } & (
  | { readonly connection: Opened }
  | { readonly error: unknown }
)

/** Attempts until one succeeds, the budget is spent, or the reason is one that time does not heal. */
export function retrying<Opened extends Connection>(
  attempt: Attempt<Opened>,
  options: RetryOptions = {},
): (host: Host, signal: AbortSignal) => Promise<Opened> {
  const { budgetMs = DEFAULT_BUDGET_MS, now = () => performance.now(), random = Math.random, sleep = nap } = options
  // Whoever was let in once comes back to prove or to take back a change, and a guard's clock runs there.
  const begun = new Set<string>()
  return async (host, signal) => {
    const way = await options.wayTo?.(host)
    const door = way?.door ?? OPEN
    let start = now()
    const left = (): number => (way?.budgetMs ?? host.connectTimeoutMs ?? budgetMs) - (now() - start)
    const entered = async (): Promise<Slot> => {
      const before = now()
      const slot = await door.enter(host, signal, begun.has(host.name) ? 'first' : 'later')
      start += now() - before
      return slot
    }
    const draws = new Draws(host, signal, attempt)
    let refusals = 0
    try {
      draws.launch(left(), await entered())
      for (;;) {
        const settled = await draws.next(options.silenceMs ?? SILENCE_MS)
        if (settled === 'silence') {
          const slot = left() > LEAST_ATTEMPT_MS ? door.tryEnter() : null
          if (slot) draws.launch(left(), slot)
          continue
        }
        if ('connection' in settled) {
          begun.add(host.name)
          return settled.connection
        }
        const { error } = settled
        if (!(error instanceof ConnectError) || !error.retryable) throw error
        if (error.reason === 'refused') refusals += 1
        // Others still wait for their answer: theirs counts.
        if (draws.running > 0 && refusals < REFUSALS) continue
        const pauseMs = random() * longestPause(error, draws.launched)
        if (refusals >= REFUSALS || left() - pauseMs < LEAST_ATTEMPT_MS) {
          throw summed(error, draws.launched, now() - start)
        }
        await sleep(pauseMs, signal)
        draws.launch(left(), await entered())
      }
    } finally {
      draws.abandonAll()
    }
  }
}

/** A door without a limit. */
const OPEN: Pick<Door, 'enter' | 'tryEnter'> = {
  enter: () => Promise.resolve(NO_SLOT),
  tryEnter: () => NO_SLOT,
}
const NO_SLOT: Slot = { release: () => {} }

/** Attempts under way. One that is abandoned never counts, and a connection it may still open is closed. */
class Draws<Opened extends Connection> {
  readonly #host: Host
  readonly #signal: AbortSignal
  readonly #attempt: Attempt<Opened>
  readonly #running = new Set<Running<Opened>>()
  launched = 0

  constructor(host: Host, signal: AbortSignal, attempt: Attempt<Opened>) {
    this.#host = host
    this.#signal = signal
    this.#attempt = attempt
  }

  get running(): number {
    return this.#running.size
  }

  launch(leftMs: number, slot: Slot): void {
    this.launched += 1
    // The first waits on, patiently; of the others the oldest makes room.
    const [, second] = this.#running
    if (this.#running.size >= MOST_AT_ONCE && second) this.#abandon(second)
    const stop = new AbortController()
    const limits = {
      ...limitsOf(this.launched, leftMs),
      onSpeaking: (is = true) => {
        running.speaking = is
      },
    }
    const result = this.#attempt(this.#host, AbortSignal.any([this.#signal, stop.signal]), limits).then(
      (connection): Settled<Opened> => {
        slot.release('in')
        return { of: running, connection }
      },
      (error: unknown): Settled<Opened> => {
        slot.release(passedOf(error))
        return { of: running, error }
      },
    )
    const running: Running<Opened> = { stop, result, speaking: false }
    this.#running.add(running)
  }

  /** The next attempt that ends, or `silence` when for so long none ended and no server has said a word. */
  async next(silenceMs: number): Promise<Settled<Opened> | 'silence'> {
    for (;;) {
      const { promise: quiet, resolve } = Promise.withResolvers<'silence'>()
      const timer = setTimeout(() => resolve('silence'), silenceMs)
      const settled = await Promise.race([...[...this.#running].map(({ result }) => result), quiet])
      clearTimeout(timer)
      if (settled !== 'silence') {
        this.#running.delete(settled.of)
        return settled
      }
      // A server that speaks is slow, not drowned: another attempt would only add to its load.
      if (![...this.#running].some(({ speaking }) => speaking)) return 'silence'
    }
  }

  abandonAll(): void {
    for (const running of this.#running) this.#abandon(running)
  }

  #abandon(running: Running<Opened>): void {
    this.#running.delete(running)
    running.stop.abort()
    void running.result.then(async settled => {
      if ('connection' in settled) await settled.connection[Symbol.asyncDispose]()
    })
  }
}

function passedOf(error: unknown): Passed {
  return error instanceof ConnectError && error.reason === 'closed' ? 'dropped' : 'other'
}

/**
 * Full jitter. An attempt that timed out was a wait already, and a lost SYN asks for another draw, not for patience;
 * a server that closes is throttling (MaxStartups, PerSourcePenalties) and wants room.
 */
function longestPause(error: ConnectError, n: number): number {
  if (error.reason === 'timeout') return 500
  return Math.min(8_000, 500 * 2 ** (n - 1))
}

async function nap(ms: number, signal: AbortSignal): Promise<void> {
  // An abort is noticed by the next attempt, which has the words for it.
  await delay(ms, undefined, { signal }).catch(() => {})
}

/** The last error, with how often and how long it was tried. */
function summed(last: ConnectError, attempts: number, elapsedMs: number): ConnectError {
  if (attempts === 1) return last
  const message = `${last.message} (${attempts} attempts in ${Math.round(elapsedMs / 1000)}s)`
  return new ConnectError(last.host, last.reason, message, { hint: last.hint, cause: last })
}
