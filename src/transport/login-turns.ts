/** Ways to log in, one after the other; a password waits until it is known not to lock an account over a whole fleet. */
import { ConnectError } from '../errors.ts'
import type { Method } from './authentication.ts'
import type { PasswordGate, Turn, Verdict } from './password-gate.ts'

type Next<Key, Agent> = (accepted: readonly string[] | null, passed: boolean) => Method<Key, Agent> | false

interface Account {
  readonly host: string
  readonly user: string
  readonly password: string | null
  /** Of the attempt: whoever waits for a turn need not wait longer. */
  readonly signal?: AbortSignal
  /** Told of the wait for a turn. */
  readonly waiting?: (turn: Promise<Turn>) => Promise<Turn>
}

const VERDICTS = { in: 'right', denied: 'wrong', broken: 'unanswered', unasked: 'not known' } as const

export class LoginTurns<Key, Agent> {
  readonly #next: Next<Key, Agent>
  readonly #gate: PasswordGate | undefined
  readonly #account: Account
  #isOver = false
  #isWaiting = false
  #turn: { readonly of: Turn; readonly method: string } | null = null
  /** What the server has said it takes; null = nothing yet. */
  accepted: readonly string[] | null = null

  constructor(next: Next<Key, Agent>, gate: PasswordGate | undefined, account: Account) {
    this.#next = next
    this.#gate = gate
    this.#account = account
  }

  /** The method tried last waits for its turn: the server has seen nothing of it. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Rejects with NotTriedError where the password was refused elsewhere. */
  async next(accepted: readonly string[] | null, passed: boolean): Promise<Method<Key, Agent> | false> {
    this.accepted = accepted ?? this.accepted
    // A method the server does not take at all was no verdict on the password.
    if (this.#turn) this.#settle(passed ? 'right' : accepted?.includes(this.#turn.method) ? 'wrong' : 'not known')
    const method = this.#next(accepted, passed)
    const { host, user, password, signal, waiting = turn => turn } = this.#account
    if (method && password !== null && (method.type === 'password' || method.type === 'keyboard-interactive')) {
      if (!this.#gate) return method
      this.#isWaiting = true
      const turn = await waiting(this.#gate.enter(JSON.stringify([user, password]), host, signal))
      this.#isWaiting = false
      // The connection ended meanwhile: nobody else would give the turn back.
      if (this.#isOver) {
        turn.settle('not known')
        throw new ConnectError(host, 'closed', `${host}: the connection ended before its password was given`)
      }
      this.#turn = { of: turn, method: method.type }
    }
    return method
  }

  /** The server has the password, and has not answered it. */
  get isGiven(): boolean {
    return this.#turn !== null
  }

  /** The login is over. Without an answer the password may have counted as wrong; `unasked`: it was not given after all. */
  end(how: 'in' | 'denied' | 'broken' | 'unasked'): void {
    this.#isOver = true
    if (this.#turn) this.#settle(VERDICTS[how])
  }

  #settle(verdict: Verdict): void {
    this.#turn?.of.settle(verdict)
    this.#turn = null
  }
}
