/** A series that goes on for days: what came of its last seconds, and of how many tries in all. Pure. */
import { figuresOf, type Sample, type Stall, whyUnmeasured } from './figures.ts'
import type { Lately, Tally } from './probed.ts'
import { DEADLINE_MS } from './tcp.ts'

export interface Memory {
  /** In the order in which they ended. */
  readonly samples: readonly Sample[]
  readonly stalls: readonly Stall[]
  /** So many of the samples are in the total. */
  readonly counted: number
  readonly total: Tally
}

/** Of a series that has just begun. */
export const NOTHING: Memory = { samples: [], stalls: [], counted: 0, total: { sent: 0, lost: 0, refused: 0 } }

/** That this process stood still is found out a moment after what was late by it; what is counted once stays counted. */
export const SETTLED_MS = 1_000

interface Moment {
  readonly now: number
  readonly windowMs: number
  /** Samples this old are counted. */
  readonly settledMs?: number
}

/** The memory with what came since, and without what is older than the window. */
export function remember(
  { samples, stalls, counted, total }: Memory,
  news: { readonly samples: readonly Sample[]; readonly stalls: readonly Stall[] },
  { now, windowMs, settledMs = SETTLED_MS }: Moment,
): Memory {
  const all = [...samples, ...news.samples]
  const known = [...stalls, ...news.stalls]
  const settled = Math.max(counted, countUntil(all, now - settledMs))
  const more = figuresOf(all.slice(counted, settled), 'after', known)
  const old = Math.min(settled, countUntil(all, now - windowMs))
  return {
    samples: all.slice(old),
    // A sample may have begun so long before the window.
    stalls: known.filter(({ to }) => to > now - windowMs - DEADLINE_MS),
    counted: settled - old,
    total: {
      sent: total.sent + more.sent,
      lost: total.lost + more.lost,
      refused: total.refused + more.refused,
    },
  }
}

/** What it comes to. */
export function latelyOf({ samples, stalls, total }: Memory): Pick<Lately, 'window' | 'total' | 'why'> {
  const window = figuresOf(samples, 'after', stalls)
  // No try at all is not the same as none lost.
  const isKnown = total.sent > 0 || window.sent > 0
  return {
    window: window.sent === 0 ? null : window,
    total: isKnown ? total : null,
    why: whyUnmeasured(samples, stalls),
  }
}

function countUntil(samples: readonly Sample[], ms: number): number {
  const first = samples.findIndex(({ to }) => to > ms)
  return first === -1 ? samples.length : first
}
