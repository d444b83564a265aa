/** Commands at once over one connection: sshd has a limit of its own (MaxSessions: ten as a rule, one where it is hardened). */
import { setTimeout as delay } from 'node:timers/promises'

/** Below sshd's ten, with room for whoever counts differently. */
const MOST = 8
const MOST_TRIES = 50
const PAUSE_MS = 20

/** Lets as many in as the server has shown to take; the others wait for their turn. */
export class Sessions {
  readonly #queue: (() => void)[] = []
  #most = MOST
  #open = 0
  #everOpened = false

  /** Resolves when it is this one's turn. */
  async enter(): Promise<void> {
    while (this.#open >= this.#most) await new Promise<void>(resolve => this.#queue.push(resolve))
    this.#open += 1
  }

  leave(): void {
    this.#open -= 1
    this.#queue.shift()?.()
  }

  /** This one runs: the server does let commands in. */
  opened(): void {
    this.#everOpened = true
  }

  /**
   * The server refused this one; true when another turn may come. It frees the place of a command that is over a moment
   * after it has said so, so a refusal with nobody inside is worth another question, too.
   */
  async refused(tries: number): Promise<boolean> {
    const others = this.#open - 1
    if (others > 0) this.#most = Math.min(this.#most, others)
    if (tries >= MOST_TRIES || !(this.#everOpened || others > 0)) return false
    await delay(others > 0 ? 0 : PAUSE_MS)
    return true
  }
}
