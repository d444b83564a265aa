/** Time as a prober sees it, and turns: however many hosts there are, only so many tries a second begin. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds, only ever rising. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** The one of this machine. It keeps no process alive. */
export const machineClock: Clock = {
  now: () => performance.now(),
  sleep: async ms => void (await delay(ms, undefined, { ref: false })),
}

/** Resolves when it is one's turn. */
export type Turns = () => Promise<void>

/** So many turns a second over all who ask; who is idle collects none. */
export function createTurns(perSecond: number, { now, sleep }: Clock): Turns {
  let free = 0
  return async () => {
    const at = Math.max(now(), free)
    free = at + 1000 / perSecond
    if (at > now()) await sleep(at - now())
  }
}
