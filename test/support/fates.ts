/** Fleets for pages and recaps: how hosts may come out of a run. */
import type { Probed } from '../../src/run/outside/probed.ts'
import { draws, type Fate } from './recorded-run.ts'

const SIZES = [65_536, 131_072, 262_144]

/** So many hosts that are changed, each with another usage; with `distinct` each with a plan of its own. */
export function changed(from: number, to: number, distinct = false): Fate[] {
  const draw = draws(from)
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const size = SIZES[i % SIZES.length] ?? 65_536
    return {
      name: `edge-${String(from + i).padStart(3, '0')}.example.net`,
      status: 'changed',
      max: distinct ? size + 4 * i : size,
      usage: i % 4 === 0 ? 1 : 0.55 + draw() * 0.44,
    }
  })
}

/** Some of which each came out badly, in its own way. */
export function badly(): Fate[] {
  const fate = { max: 65_536, usage: 1 }
  const refused = { message: 'cannot connect to 192.0.2.77:22: connection refused (6 attempts in 60s)', hint: null }
  const dropped = { message: 'not cured: drops-still: drop +231 in 10.2 s', hint: null }
  const hint = `look with: ctfix facts --limit db-4; on the host: see /var/lib/ctfix/RUN/log`
  const lost = { message: 'connection lost while the change was made', hint }
  return [
    { ...fate, name: 'db-1.example.net', status: 'unreachable', error: refused },
    { ...fate, name: 'db-2.example.net', status: 'unreachable', error: { ...refused } },
    { ...fate, name: 'db-3.example.net', status: 'rolled-back', error: dropped },
    { ...fate, name: 'db-4.example.net', status: 'unknown', error: lost },
    {
      ...fate,
      name: 'db-5.example.net',
      status: 'failed',
      error: { message: 'the probe needs root', hint: '--become' },
    },
    { ...fate, name: 'db-6.example.net', status: 'blocked', error: null },
    { ...fate, name: 'db-7.example.net', status: 'ok' },
    {
      ...fate,
      name: 'db-8.example.net',
      status: 'skipped',
      error: { message: 'not attempted: 2 of 18 hosts failed, at most 1 may', hint: null },
    },
  ]
}

/** So many that the run did not come to. */
export function skipped(n: number): Fate[] {
  const error = { message: 'not attempted: 2 of 18 hosts failed, at most 1 may', hint: null }
  return Array.from({ length: n }, (_, i) => ({
    name: `z-${i + 1}.example.net`,
    status: 'skipped',
    max: 1,
    usage: 1,
    error,
  }))
}

/** What --probe saw of the n-th host. */
export function measured(n: number): readonly Probed[] {
  const figures = { refused: 0, p50: 1.2, worst: 1950.2, sent: 40 }
  return [
    {
      ...{ target: 'tcp:443', address: '192.0.2.7', during: null, why: null },
      before: { ...figures, lost: 12 + (n % 20), slow: 9, p95: 1204 },
      after: { ...figures, lost: n % 20, slow: 0, p95: 3.1 },
    },
  ]
}
