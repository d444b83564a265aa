/** Readings and hosts of a watch, made up. */
import type { Figures, Lately } from '../../../src/run/outside/probed.ts'
import type { Reading } from '../../../src/watch/reading.ts'
import { advance, unseen, type Watched } from '../../../src/watch/watched.ts'

export function readingOf(over: Partial<Reading> = {}): Reading {
  return {
    ...{ uptimeSeconds: 1000, family: 'nf_conntrack', count: 500, max: 1000, buckets: 256 },
    ...{ drops: 0, earlyDrops: 0, insertFailed: 0, log: null },
    ...over,
  }
}

/** A host that has said these, one a second. */
export function watchedWith(host: string, readings: readonly Partial<Reading>[], atMs = 0): Watched {
  return readings.reduce<Watched>(
    (state, over, i) =>
      advance(state, {
        type: 'reading',
        host,
        reading: readingOf({ uptimeSeconds: 1000 + i, ...over }),
        atMs: atMs + i * 1000,
      }),
    unseen(host),
  )
}

/** What was measured of tcp:443 lately; `sent: 0`: nothing. */
export function latelyOfTries({ why = null, ...over }: Partial<Figures> & { readonly why?: string | null }): Lately {
  const window = { sent: 40, lost: 0, slow: 0, refused: 0, p50: 1.2, p95: 8, worst: 31, ...over }
  const { sent, lost, refused } = window
  const none = { target: 'tcp:443', address: why === null ? '192.0.2.7' : null, why }
  return sent === 0 ? { ...none, window: null, total: null } : { ...none, window, total: { sent, lost, refused } }
}
