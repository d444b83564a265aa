/** The few numbers of one look that a record keeps, for who asks later what a run was good for. */
import { z } from 'zod'
import type { Facts } from '../facts/facts.ts'

const count = z.number().nonnegative()
const byName = z.record(z.string(), count)

/** Of a line in a record; read back, what is not as this is left out, and nothing else suffers. */
export const numbersSchema = z.object({
  /** False: no conntrack there, so there is nothing to count. */
  tracks: z.boolean(),
  count: count.nullable(),
  /** 0: unlimited, on old kernels. */
  max: count.nullable(),
  buckets: count.nullable(),
  /** Since boot, by the kernel's names of those counters that rise when packets or entries are lost; null: it shows none. */
  lost: byName.nullable(),
  /** Table-full lines in the kernel log; null: not readable. */
  lines: count.nullable(),
  /** Live entries by timeout name (`tcp_established`, `udp`); null: nobody counted them. */
  states: byName.nullable(),
  /** What rose while it was watched; null: a look without a window. */
  window: z.object({ seconds: count, lost: byName.nullable(), lines: count.nullable() }).nullable(),
})

export type Numbers = Readonly<z.infer<typeof numbersSchema>>

/** Counters that rise when the table refuses or throws out entries. */
const LOSSES = ['drop', 'early_drop', 'chainlength']

/** Reads them off the facts of a look. */
export function numbersOf(facts: Facts): Numbers {
  const { family, count, max, buckets, stats, earlier, log } = facts
  const lost = lossesOf(stats)
  const before = lossesOf(earlier?.stats ?? null)
  return {
    tracks: family !== null,
    ...{ count, max, buckets, lost },
    lines: log?.lines ?? null,
    states: facts.states ?? countedByCensus(facts),
    window: earlier && {
      seconds: Math.max(0, earlier.secondsBefore),
      lost: lost && before && risen(before, lost),
      // A log forgets its oldest lines, and then there are fewer: that is no rise, and none below zero.
      lines: log && earlier.log && Math.max(0, log.lines - earlier.log.lines),
    },
  }
}

function lossesOf(stats: Facts['stats']): Record<string, number> | null {
  if (stats === null) return null
  const shown = LOSSES.flatMap((name): [string, number][] => {
    const value = stats.counters[name]
    return value === undefined ? [] : [[name, value]]
  })
  return shown.length === 0 ? null : Object.fromEntries(shown)
}

/** A counter that fell was begun anew: all of it is of since then. */
function risen(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>): typeof before {
  return Object.fromEntries(
    Object.entries(now).map(([name, value]) => {
      const was = before[name] ?? 0
      return [name, value >= was ? value - was : value]
    }),
  )
}

/** Under the names that timeouts have. */
function countedByCensus({ census }: Facts): Record<string, number> | null {
  if (!census) return null
  const sums = new Map<string, number>()
  for (const { protocol, state, entries } of census.states) {
    const name = state === null ? protocol : `${protocol}_${state.toLowerCase()}`
    sums.set(name, (sums.get(name) ?? 0) + entries)
  }
  return Object.fromEntries(sums)
}
