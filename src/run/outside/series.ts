/** Tries at one target of one host, one after the other, until it is ended. */
import type { Clock, Turns } from './clock.ts'
import { type Answer, figuresOf, type Part, type Sample, type Stall, whyUnmeasured } from './figures.ts'
import { latelyOf, type Memory, NOTHING, remember, SETTLED_MS } from './lately.ts'
import type { Figures, Lately } from './probed.ts'

/** One try. It never rejects, and ends within the deadline. */
export type Try = () => Promise<Answer>

/** Where the work on the host is, for whoever begins a try. */
export interface Course {
  part: Part
  ended: boolean
}

export interface SeriesOptions {
  readonly intervalMs: number
  readonly clock: Clock
  readonly turns: Turns
}

/** Unanswered tries at once; with more of them a dead host would only cost more. */
export const MOST_OPEN = 4
/** A timer that is so late says that this process had other things to do. */
const STALL_MS = 400

export class Series {
  readonly #samples: Sample[] = []
  readonly #stalls: Stall[] = []
  readonly #open = new Set<Promise<void>>()
  readonly #options: SeriesOptions
  #memory: Memory = NOTHING
  #settledMs = SETTLED_MS
  constructor(attempt: Try, course: Readonly<Course>, options: SeriesOptions) {
    this.#options = options
    void this.#run(attempt, course)
  }

  /** What was measured so far, once the tries under way have ended. */
  async figures(): Promise<{ readonly of: (part: Part) => Figures; readonly why: string | null }> {
    await Promise.all(this.#open)
    const [samples, stalls] = [[...this.#samples], [...this.#stalls]]
    return { of: part => figuresOf(samples, part, stalls), why: whyUnmeasured(samples, stalls) }
  }

  /** For a series that goes on for days, instead of `figures`: what is older than the window is forgotten. */
  lately(windowMs: number): Pick<Lately, 'window' | 'total' | 'why'> {
    const news = { samples: this.#samples.splice(0), stalls: this.#stalls.splice(0) }
    const moment = { now: this.#options.clock.now(), windowMs, settledMs: this.#settledMs }
    this.#memory = remember(this.#memory, news, moment)
    return latelyOf(this.#memory)
  }

  /** Waits for the tries under way; of a series that was ended there are no more, and all of them count. */
  async settle(): Promise<void> {
    await Promise.all(this.#open)
    this.#settledMs = 0
  }

  async #run(attempt: Try, course: Readonly<Course>): Promise<void> {
    const { clock, turns, intervalMs } = this.#options
    while (!course.ended) {
      const due = clock.now() + intervalMs
      if (this.#open.size < MOST_OPEN) {
        await turns()
        if (course.ended) return
        this.#send(attempt, course.part)
      }
      const asleep = clock.now()
      const wake = Math.max(asleep, due)
      await clock.sleep(wake - asleep)
      if (clock.now() - wake > STALL_MS) this.#stalls.push({ from: wake, to: clock.now() })
    }
  }

  #send(attempt: Try, part: Part): void {
    const { clock } = this.#options
    const from = clock.now()
    const sent = attempt().then(answer => {
      this.#samples.push({ part, from, to: clock.now(), answer })
      this.#open.delete(sent)
    })
    this.#open.add(sent)
  }
}
