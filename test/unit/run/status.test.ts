import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/errors.ts'
import { type Cause, exitCodeOf, exitCodeOfRun, STATUSES, type Status } from '../../../src/run/status.ts'
import { makeOutcome } from '../../support/outcomes.ts'

describe('the exit code of a host', () => {
  it.each<[Status, Cause | null, number, number]>([
    ['ok', null, 0, 0],
    ['changed', null, 0, 0],
    ['would-change', null, 0, 2],
    ['blocked', null, 9, 9],
    ['skipped', 'excluded', 0, 0],
    ['skipped', 'interrupted', 6, 6],
    ['skipped', null, 6, 6],
    ['unreachable', null, 3, 3],
    ['failed', null, 1, 1],
    ['failed', 'stale', 7, 7],
    ['rolled-back', null, 4, 4],
    ['rollback-failed', null, 5, 5],
    ['unknown', null, 5, 5],
  ])('%s (%s)', (status, cause, plain, detailed) => {
    expect(exitCodeOf({ status, cause }, false)).toBe(plain)
    expect(exitCodeOf({ status, cause }, true)).toBe(detailed)
  })
})

describe('the exit code of a run', () => {
  /** One outcome for each code a host can come to, from the worst to the best. */
  const WORST_FIRST = [
    makeOutcome('unknown'),
    makeOutcome('rolled-back'),
    makeOutcome('failed'),
    makeOutcome('blocked'),
    makeOutcome('failed', { cause: 'stale' }),
    makeOutcome('skipped'),
    makeOutcome('unreachable'),
    makeOutcome('would-change'),
    makeOutcome('ok'),
  ]

  it('is the worst of its hosts, in the order 5, 4, 1, 9, 7, 6, 3, 2, 0', () => {
    const codes = WORST_FIRST.map((_, i) => exitCodeOfRun(WORST_FIRST.slice(i), true))
    expect(codes).toEqual([5, 4, 1, 9, 7, 6, 3, 2, 0])
  })

  it('does not depend on the order of the hosts', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(WORST_FIRST, { minLength: 1 }), outcomes => {
        const worst = WORST_FIRST.find(outcome => outcomes.includes(outcome)) ?? makeOutcome('ok')
        expect(exitCodeOfRun(outcomes, true)).toBe(exitCodeOf(worst, true))
      }),
    )
  })

  it('is 0 for changes pending, unless the detailed codes are asked for', () => {
    expect(exitCodeOfRun([makeOutcome('would-change'), makeOutcome('ok')], false)).toBe(EXIT.ok)
  })

  it('is 130 when interrupted, whatever else happened, unless a person is needed', () => {
    const interrupted = makeOutcome('skipped', { cause: 'interrupted' })
    expect(exitCodeOfRun([makeOutcome('changed'), interrupted], false)).toBe(EXIT.interrupted)
    expect(exitCodeOfRun([makeOutcome('rolled-back'), interrupted], false)).toBe(EXIT.interrupted)
    expect(exitCodeOfRun([makeOutcome('rollback-failed'), interrupted], false)).toBe(EXIT.needsPerson)
  })

  it('of no hosts is 0', () => {
    expect(exitCodeOfRun([], true)).toBe(EXIT.ok)
  })
})

it('every status has its place in a recap, once', () => {
  expect(new Set(STATUSES).size).toBe(STATUSES.length)
  expect(STATUSES).toHaveLength(10)
  expect(STATUSES.slice(-2)).toEqual(['rollback-failed', 'unknown'])
})
