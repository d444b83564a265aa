import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { makePlan, type Plan } from '../../../src/plan/plan.ts'
import {
  type Check,
  decisive,
  failures,
  judge,
  passes,
  withoutUnwatched,
  withWatched,
} from '../../../src/run/checks.ts'
import { makeFacts } from '../../support/facts.ts'
import { planFor } from '../../support/outcomes.ts'

const done: Plan = makePlan('web-1', { steps: [], force: false }, makeFacts())
const log = (lines: number, lastAtSeconds: number | null = null): NonNullable<Facts['log']> => ({
  lines,
  otherNamespaceLines: 0,
  lastAtSeconds,
  source: 'dmesg',
})
const stats = (counters: Readonly<Record<string, number>>): NonNullable<Facts['stats']> => ({ counters, cpus: 2 })
const QUIET = { drop: 5, early_drop: 0, chainlength: 0 }
/** A host that was watched for ten seconds. */
const watched = (differences: Partial<Facts> = {}, earlier: Partial<NonNullable<Facts['earlier']>> = {}): Facts =>
  makeFacts({
    stats: stats(QUIET),
    log: log(3, 50),
    ...differences,
    earlier: { stats: stats(QUIET), log: log(3, 50), secondsBefore: 10, ...earlier },
  })

function statusOf(name: string, facts: Facts, again: Plan = done): string {
  const found = judge(facts, again, { files: true }).find(check => check.name === name)
  return found ? found.status : 'missing'
}

describe('a check', () => {
  it('of a cured host passes, every one of them', () => {
    const checks = judge(watched(), done, { files: true, newConnection: true })
    expect(checks.map(({ name, status }) => [name, status])).toEqual([
      ['new-connection', 'pass'],
      ['values-as-wanted', 'pass'],
      ['survives-reboot', 'pass'],
      ['count-below-max', 'pass'],
      ['drops-still', 'pass'],
      ['no-new-table-full-lines', 'pass'],
    ])
    for (const { detail } of checks) expect(detail).not.toBe('')
    expect(passes(checks)).toBe(true)
  })

  it('of a window is that of the look that had one, and all others are those of the last look', () => {
    const entries = (status: Check['status'], detail: string): Plan => ({
      ...done,
      evidence: [{ name: 'no-new-entries', when: 'always', status, detail }],
    })
    const first = judge(watched({ max: 0 }), entries('pass', 'count 9 → 9'), { files: false })
    const last = judge(makeFacts(), entries('unknown', 'nobody watched'), { files: true })
    const both = withWatched(last, first)
    expect(both.filter(({ name }) => name === 'no-new-entries')).toMatchObject([{ detail: 'count 9 → 9' }])
    const [removed] = withWatched(last, first, true).filter(({ name }) => name === 'no-new-entries')
    expect(removed?.detail).toBe('count 9 → 9, watched before the entries were removed')
    expect(withoutUnwatched(last).map(({ name }) => name)).toEqual([
      ...['values-as-wanted', 'survives-reboot', 'count-below-max'],
    ])
    expect(withoutUnwatched(first)).toEqual(first)
    expect(both.map(({ name }) => name)).toEqual([
      ...['values-as-wanted', 'survives-reboot', 'count-below-max'],
      ...['no-new-entries', 'drops-still', 'no-new-table-full-lines'],
    ])
    expect(both.find(({ name }) => name === 'count-below-max')).toEqual(
      last.find(({ name }) => name === 'count-below-max'),
    )
  })

  it('of live values fails when one is left, whatever the files', () => {
    const again = { ...done, changes: planFor().changes.filter(({ layer }) => layer === 'runtime') }
    expect(statusOf('values-as-wanted', watched(), again)).toBe('fail')
    expect(statusOf('survives-reboot', watched(), again)).toBe('pass')
  })

  it('of files fails when one is left, and is not made before files are written', () => {
    const again = { ...done, changes: planFor().changes.filter(({ layer }) => layer === 'persistent') }
    expect(statusOf('values-as-wanted', watched(), again)).toBe('pass')
    expect(statusOf('survives-reboot', watched(), again)).toBe('fail')
    expect(judge(watched(), again, { files: false }).map(({ name }) => name)).not.toContain('survives-reboot')
  })

  it('of the table takes nothing back where relief comes later, and is still reported', () => {
    const full = watched({ count: 65_000 })
    const checks = judge(full, done, { files: true })
    expect(passes(decisive(checks, 'at-once'))).toBe(false)
    expect(passes(decisive(checks, 'later'))).toBe(true)
    expect(checks.find(({ name }) => name === 'count-below-max')?.status).toBe('fail')
  })

  it.each(['saved-unread', 'saved-unknown'])('of a reboot is unknown on %s, unless somebody insisted', code => {
    const blocker = { code, message: 'because', forceable: true }
    expect(statusOf('survives-reboot', watched(), { ...done, blockers: [blocker] })).toBe('unknown')
    expect(statusOf('survives-reboot', watched(), { ...done, forced: [blocker] })).toBe('pass')
  })

  it.each(['rules-unread', 'built-in', 'tracks-when-loaded'])(
    'of values passes for nobody who did not look: %s',
    code => {
      const again = { ...done, blockers: [{ code, message: 'because', forceable: false }] }
      expect(statusOf('values-as-wanted', watched(), again)).toBe('unknown')
      expect(statusOf('survives-reboot', watched(), again)).toBe('unknown')
      expect(passes(decisive(judge(watched(), again, { files: false }), 'later'))).toBe(false)
    },
  )

  it('of values is made by anybody, but not that of rules', () => {
    const blockers = [{ code: 'needs-root', message: 'because', forceable: false }]
    const plan = (strategy: string): Plan => ({ ...done, blockers, steps: [{ strategy, options: {} }] })
    expect(statusOf('values-as-wanted', watched(), plan('raise'))).toBe('pass')
    for (const strategy of ['notrack', 'blacklist', 'untrigger']) {
      expect(statusOf('values-as-wanted', watched(), plan(strategy))).toBe('unknown')
    }
  })

  it.each([
    ...['overridden-at-boot', 'broken-modprobe-line', 'file-refused', 'saved-elsewhere'],
    ...['saved-rules-need-tracking', 'ufw-enabled', 'notrack-in-force', 'install-wins', 'install-ignored'],
    'initramfs-holds-it',
  ])('of a reboot fails on %s, unless somebody forced their way past it', code => {
    const blocker = { code, message: 'because', forceable: true }
    expect(statusOf('survives-reboot', watched(), { ...done, blockers: [blocker] })).toBe('fail')
    const forced = judge(watched(), { ...done, forced: [blocker] }, { files: true })
    const check = forced.find(({ name }) => name === 'survives-reboot')
    expect(check).toMatchObject({ status: 'pass', detail: expect.stringContaining('forced past: because') })
  })

  it('of values that are not this host’s own does not pass on an empty plan', () => {
    const again = planFor({ ownsKernel: false })
    expect(again.changes).toEqual([])
    expect(statusOf('values-as-wanted', watched(), again)).toBe('unknown')
    expect(statusOf('survives-reboot', watched(), again)).toBe('unknown')
    expect(passes(judge(watched(), again, { files: true }))).toBe(false)
  })

  it.each<[string, Partial<Facts>, string]>([
    ['below', { count: 799, max: 1000 }, 'pass'],
    ['at the limit of pressure', { count: 800, max: 1000 }, 'fail'],
    ['full', { count: 1000, max: 1000 }, 'fail'],
    ['unlimited', { count: 5, max: 0 }, 'pass'],
    ['without a count', { count: null }, 'unknown'],
    ['without a limit', { max: null }, 'unknown'],
    ['without conntrack', { family: null, count: null, max: null }, 'pass'],
  ])('of the count: %s', (_, differences, expected) => {
    expect(statusOf('count-below-max', watched(differences))).toBe(expected)
  })

  it.each<[string, Facts, string]>([
    ['still', watched(), 'pass'],
    ['drop', watched({ stats: stats({ ...QUIET, drop: 6 }) }), 'fail'],
    ['early drop', watched({ stats: stats({ ...QUIET, early_drop: 1 }) }), 'fail'],
    ['long chains', watched({ stats: stats({ ...QUIET, chainlength: 1 }) }), 'fail'],
    ['harmless races', watched({ stats: stats({ ...QUIET, insert_failed: 900 }) }), 'pass'],
    ['a counter that went back', watched({ stats: stats({ ...QUIET, drop: 0 }) }), 'fail'],
    ['no counters now', watched({ stats: null }), 'unknown'],
    ['no counters before', watched({}, { stats: null }), 'unknown'],
    ['none of the counters that count', watched({ stats: stats({}) }, { stats: stats({}) }), 'unknown'],
    ['no conntrack', watched({ family: null, stats: null }), 'pass'],
    ['not watched', makeFacts(), 'missing'],
  ])('of drops: %s', (_, facts, expected) => {
    expect(statusOf('drops-still', facts)).toBe(expected)
  })

  it.each<[string, Facts, string]>([
    ['none', watched(), 'pass'],
    ['one more', watched({ log: log(4, 60) }), 'fail'],
    ['one more without a time', watched({ log: log(4) }, { log: log(3) }), 'fail'],
    ['as many, but newer', watched({ log: log(3, 60) }), 'fail'],
    ['fewer: the log was overwritten', watched({ log: log(0) }), 'unknown'],
    ['no log now', watched({ log: null }), 'unknown'],
    ['no log before', watched({}, { log: null }), 'unknown'],
  ])('of the log: %s', (_, facts, expected) => {
    expect(statusOf('no-new-table-full-lines', facts)).toBe(expected)
  })
})

describe('all checks together', () => {
  const check = (name: string, status: Check['status']): Check => ({ name, status, detail: 'd' })
  const drops = (status: Check['status']): Check => check('drops-still', status)
  const lines = (status: Check['status']): Check => check('no-new-table-full-lines', status)

  it.each<[readonly Check[], boolean]>([
    [[drops('pass'), lines('pass')], true],
    [[drops('pass'), lines('unknown')], true],
    [[drops('unknown'), lines('pass')], true],
    [[drops('unknown'), lines('unknown')], false],
    [[drops('pass'), lines('fail')], false],
    [[drops('fail'), lines('pass')], false],
    [[check('count-below-max', 'unknown'), drops('pass')], false],
    [[check('values-as-wanted', 'fail')], false],
    [[check('values-as-wanted', 'pass')], true],
  ])('%j', (checks, expected) => {
    expect(passes(checks)).toBe(expected)
  })

  it('say in one line what did not pass, and that something is only not known', () => {
    expect(failures([check('a', 'pass'), check('b', 'fail'), check('c', 'unknown')])).toBe('b: d; c: unknown, d')
  })
})
