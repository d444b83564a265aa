import type { Clock } from '../../../../src/run/outside/clock.ts'

/** Time that passes when the test says so, in the order of who waits. */
export class Hand implements Clock {
  #at = 0
  #waiting: { readonly at: number; readonly wake: () => void }[] = []
  now = (): number => this.#at
  sleep = (ms: number): Promise<void> =>
    new Promise(wake => {
      this.#waiting.push({ at: this.#at + ms, wake })
    })
  async pass(ms: number): Promise<void> {
    const until = this.#at + ms
    for (;;) {
      // Whatever follows from the last step happens before the next one.
      for (let i = 0; i < 30; i += 1) await Promise.resolve()
      const [next] = this.#waiting.toSorted((a, b) => a.at - b.at)
      if (!next || next.at > until) break
      this.#waiting = this.#waiting.filter(one => one !== next)
      this.#at = Math.max(this.#at, next.at)
      next.wake()
    }
    this.#at = until
  }
  /** Nothing runs in this time: whoever was to be woken in it is woken at its end. */
  stall(ms: number): void {
    this.#at += ms
  }
}
