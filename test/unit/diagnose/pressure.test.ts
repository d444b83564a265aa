/** What the counters and the log say of loss, and what they only seem to say. */
import { describe, expect, it, test } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import { buckets } from '../../../src/diagnose/rules/buckets.ts'
import { nearlyFull } from '../../../src/diagnose/rules/usage.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { before, but, calm, counters, logged, recorded } from './hosts.ts'

const codes = (facts: Facts): string[] => diagnose(facts).findings.map(({ code, severity }) => `${code} ${severity}`)
const DAYS_30 = { uptimeSeconds: 30 * 86_400 }

/** Counters now, and so much less ten seconds before. */
function rising(now: Record<string, number>, by: Record<string, number>, more: Partial<Facts> = {}): Facts {
  const then = Object.fromEntries(Object.entries(now).map(([name, n]) => [name, n - (by[name] ?? 0)]))
  return but(calm, { stats: counters(calm, now), earlier: before(calm, then, more.count ?? calm.count), ...more })
}

describe('packets of one request that race count as dropped, too', () => {
  const races = { drop: 5_000, insert_failed: 5_000 }

  it('and a table with room is not full by that', () => {
    expect(codes(rising(races, { drop: 40, insert_failed: 40 }, { count: 55_000 }))).toEqual([
      'nearly-full warning',
      'insert-failed warning',
    ])
    expect(codes(rising(races, {}))).toEqual([])
  })

  it('but what was dropped beyond them found no room', () => {
    expect(codes(rising({ ...races, drop: 5_400 }, { drop: 90, insert_failed: 40 }, { count: 55_000 }))[0]).toBe(
      'table-full critical',
    )
  })

  it('a few of them are everyday life', () => {
    expect(codes(rising(races, { drop: 4, insert_failed: 4 }))).toEqual([])
    expect(codes(rising(races, { drop: 10, insert_failed: 10 }))).toEqual(['insert-failed warning'])
  })
})

describe('packets that were dropped, and no line of it', () => {
  it('were dropped all the same: the log is overwritten, or cannot be read', () => {
    const facts = but(calm, { stats: counters(calm, { drop: 250_000 }), ...DAYS_30 })
    expect(codes(facts)).toEqual(['table-was-full warning'])
    expect(diagnose(facts).findings[0]?.title).toMatch(/250,000 packets were dropped, and no line of the log is left/)
    expect(diagnose(but(facts, { log: null })).findings[0]?.title).toMatch(/the log cannot be read/)
    expect(diagnose(facts).recommendation.steps.map(({ strategy }) => strategy)).toEqual(['raise'])
  })

  it('are a notice where they are few for so long a time', () => {
    expect(codes(but(calm, { stats: counters(calm, { drop: 400 }), ...DAYS_30 }))).toEqual(['table-was-full notice'])
    expect(codes(but(calm, { stats: counters(calm, { drop: 99 }), ...DAYS_30 }))).toEqual([])
    expect(codes(but(calm, { stats: counters(calm, { early_drop: 400 }), ...DAYS_30 }))).toEqual(['early-drop notice'])
    expect(codes(but(calm, { stats: counters(calm, { early_drop: 40_000 }), ...DAYS_30 }))).toEqual([
      'early-drop warning',
    ])
  })
})

it('a kernel without counters logs that its table is full, and it is', () => {
  const bare = but(calm, { stats: null, count: 60_000, log: logged(30) })
  const then = { stats: null, count: 60_000, log: logged(20), secondsBefore: 10 }
  expect(codes(but(bare, { earlier: then }))[0]).toBe('table-full critical')
  expect(codes(but(bare, { earlier: { ...then, log: logged(30) } }))).not.toContain('table-full critical')
})

describe('chains that were too long', () => {
  it('are over where there is a bucket for each entry now', () => {
    const facts = but(calm, { stats: counters(calm, { chainlength: 3_000, insert_failed: 3_000 }) })
    expect(codes(facts)).toEqual(['long-chains notice'])
    expect(codes(but(facts, { buckets: 16_384 }))).toContain('long-chains warning')
  })
})

test.for<[growth: number, count: number, max: number, severity: string | undefined]>([
  // A tiny machine, on which ten come and go.
  [10, 1_400, 2_560, undefined],
  [400, 1_400, 2_560, 'warning'],
  [300, 35_000, 65_536, undefined],
  [3_000, 35_000, 65_536, 'warning'],
  [100, 60_000, 65_536, 'warning'],
  [1_000, 60_000, 65_536, 'critical'],
])('+%i in ten seconds to %i of %i: %s', ([growth, count, max, severity]) => {
  const facts = but(calm, { count, max })
  expect(nearlyFull({ ...facts, earlier: before(facts, {}, count - growth) })?.severity).toBe(severity)
})

test.for<[string, Partial<Facts>, string | undefined]>([
  ['one entry a bucket', { buckets: 65_536 }, undefined],
  ['two', { buckets: 32_768 }, undefined],
  // One connection in seventeen is lost when it fills, before 5.15.y and 6.3.
  ['four, and room', { buckets: 16_384 }, 'notice'],
  ['four, half full', { buckets: 16_384, count: 40_000 }, 'warning'],
  ['eight', { buckets: 8_192 }, 'warning'],
  ['four, by kube-proxy', { buckets: 16_384, managers: ['kube-proxy'] }, undefined],
  ['eight, by whoever', { buckets: 8_192, managers: ['kube-proxy'] }, 'warning'],
  ['eight where chains may be long', { buckets: 8_192, stats: { counters: { drop: 0 }, cpus: 1 } }, undefined],
  ['sixteen where chains may be long', { buckets: 4_096, stats: { counters: { drop: 0 }, cpus: 1 } }, 'warning'],
  ['a fourth', { max: 16_384 }, undefined],
  ['an eighth', { max: 8_192 }, 'warning'],
  ['no number', { buckets: null }, undefined],
])('%s: %s', ([, differences, severity]) => {
  expect(buckets(but(calm, differences))?.severity).toBe(severity)
})

it('2.6.18 has eight entries a bucket by itself, and nothing is lost by it', () => {
  expect(buckets(recorded('centos5'))).toBeNull()
})
