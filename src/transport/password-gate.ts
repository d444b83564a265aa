/** Who may be given a password: once one host has refused it, nobody else, for accounts get locked. One gate a run. */
import { ConnectError, NotTriedError } from '../errors.ts'

/** What became of a password that a host asked for; `unanswered`: given, and it may have counted as wrong. */
export type Verdict = 'right' | 'wrong' | 'unanswered' | 'not known'

/** A host's turn to give its password; `settle` must be called, whatever happens. */
export interface Turn {
  settle(verdict: Verdict): void
}

/**
 * A directory counts wrong passwords over all hosts, and three lock an account as a rule (pam_faillock, ppolicy): a host
 * that hangs must not stop a run, but a second one may.
 */
const MOST_UNANSWERED = 2

type State =
  | { readonly is: 'tried'; readonly over: Promise<void> }
  | { readonly is: 'right' }
  | { readonly is: 'wrong'; readonly at: string }

export class PasswordGate {
  /** By the password itself, which is in memory anyway. */
  readonly #states = new Map<string, State>()
  /** Hosts that took the password in this run: they are given it again, to finish what was begun there. */
  readonly #open = new Set<string>()
  /** Hosts that were given a password nobody has called right, and that never answered. */
  readonly #unanswered = new Map<string, readonly string[]>()
  readonly #begun = new Set<string>()
  #refusedAt: string | null = null

  /** A run in which a password was refused begins with no further host. Throws NotTriedError. */
  begin(host: string): void {
    if (this.#refusedAt !== null && !this.#begun.has(host)) throw refusedAt(this.#refusedAt, host)
    this.#begun.add(host)
  }

  /**
   * Waits while the password is tried somewhere for the first time, as long as that takes: it ends by the time limits of
   * the login, or of the tool. Rejects with NotTriedError when it was refused, or too often not answered, and with
   * ConnectError `aborted`.
   */
  async enter(password: string, host: string, signal?: AbortSignal): Promise<Turn> {
    for (;;) {
      if (signal?.aborted) throw stopped(host)
      const state = this.#states.get(password)
      if (state === undefined) return this.#first(password, host)
      if (state.is === 'tried') await unlessAborted(state.over, signal)
      else if (state.is === 'right' || this.#open.has(JSON.stringify([host, password])))
        return { settle: verdict => this.#note(password, host, verdict) }
      else throw refusedAt(state.at, host)
    }
  }

  #first(password: string, host: string): Turn {
    const unanswered = this.#unanswered.get(password) ?? []
    if (unanswered.length >= MOST_UNANSWERED) throw unansweredAt(unanswered, host)
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.#states.set(password, { is: 'tried', over })
    return {
      settle: verdict => {
        this.#states.delete(password)
        this.#note(password, host, verdict)
        resolve()
      },
    }
  }

  #note(password: string, host: string, verdict: Verdict): void {
    if (verdict === 'wrong') {
      this.#states.set(password, { is: 'wrong', at: host })
      this.#refusedAt ??= host
    } else if (verdict === 'right') {
      this.#open.add(JSON.stringify([host, password]))
      if (!this.#states.has(password)) this.#states.set(password, { is: 'right' })
    } else if (verdict === 'unanswered') {
      this.#unanswered.set(password, [...(this.#unanswered.get(password) ?? []), host])
    }
  }
}

/** Until the promise settles or the signal says stop. */
async function unlessAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const { promise: stop, resolve } = Promise.withResolvers<void>()
  const onAbort = (): void => resolve()
  signal?.addEventListener('abort', onAbort, { once: true })
  await Promise.race([promise, stop])
  signal?.removeEventListener('abort', onAbort)
}

function stopped(host: string): ConnectError {
  return new ConnectError(host, 'aborted', `${host}: stopped before its password was given`)
}

function refusedAt(at: string, host: string): NotTriedError {
  const hint = 'nothing was done here; run again with the right password'
  return new NotTriedError(host, `${host}: not tried, for ${at} refused the password`, { hint })
}

function unansweredAt(at: readonly string[], host: string): NotTriedError {
  const hint = 'a third that counts as wrong may lock the account; --limit leaves out hosts that hang'
  return new NotTriedError(host, `${host}: not tried, for ${at.join(' and ')} never answered the password`, { hint })
}
