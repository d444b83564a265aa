import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, UsageError } from '../../../src/errors.ts'
import { openRecord, reopenRecord } from '../../../src/run/record.ts'
import { listRuns, NoRunError, readRun } from '../../../src/run/recorded.ts'
import { countStates, summarizeRun } from '../../../src/run/run-summary.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'

let state: string
const events = (): string => join(state, 'runs', 'RUN', 'events.ndjson')

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfix-recorded-'))
})

describe('a record is read back', () => {
  it('with the plan that a host was begun with, whatever a later look would have left to do', () => {
    const plan = planFor()
    const rest = { ...plan, changes: plan.changes.slice(-1) }
    const write = (record: ReturnType<typeof openRecord>, step: 'apply' | 'persist', planned: typeof plan): void => {
      record.write({ type: 'planned', host: 'web-1', plan: planned })
      record.write({ type: 'intent', host: 'web-1', step, runDir: '/r' })
    }
    write(openRecord(state, 'RUN', { strategy: ['raise'], hosts: ['web-1'] }), 'apply', plan)
    write(reopenRecord(state, 'RUN'), 'persist', rest)
    expect(readRun(state, 'RUN').progress.get('web-1')?.plan?.changes).toHaveLength(plan.changes.length)
    write(reopenRecord(state, 'RUN'), 'apply', rest)
    expect(readRun(state, 'RUN').progress.get('web-1')?.plan?.changes).toHaveLength(1)
  })

  it('with the numbers each auto came to, and how far each host came', () => {
    const hosts = ['web-1', 'web-2', 'web-3', 'web-4']
    const record = openRecord(state, 'RUN', { strategy: ['raise', 'timeouts'], hosts, who: 'ops@desk', at: 'now' })
    for (const host of hosts.slice(0, 3)) record.write({ type: 'planned', host, plan: { ...planFor(), host } })
    for (const host of hosts.slice(0, 2)) record.write({ type: 'intent', host, step: 'apply', runDir: '/r' })
    const outcome = makeOutcome('changed', { facts: makeFacts(), plan: planFor(), digest: 'abcd' })
    record.write({ type: 'outcome', host: 'web-1', outcome })
    const recorded = readRun(state, 'RUN')
    expect(recorded).toMatchObject({ command: 'apply', strategy: ['raise', 'timeouts'], who: 'ops@desk', hosts })
    expect(recorded.progress.get('web-1')?.plan?.steps[0]).toMatchObject({
      strategy: 'raise',
      options: { max: 131_072, buckets: 131_072 },
    })
    const { hosts: summed, pending } = summarizeRun(recorded)
    expect(summed.map(({ name, state: is, step }) => [name, is, step])).toEqual([
      ['web-1', 'changed', 'apply'],
      ['web-2', 'in-doubt', 'apply'],
      ['web-3', 'not-begun', null],
      ['web-4', 'not-begun', null],
    ])
    expect(summed[0]?.digest).toBe('abcd')
    expect(pending).toEqual(['web-2'])
    expect([...countStates(summed)]).toEqual([
      ['changed', 1],
      ['in-doubt', 1],
      ['not-begun', 2],
    ])
  })

  it('of the same host planned twice with the later plan', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'planned', host: 'web-1', plan: { ...planFor(), steps: [] } })
    record.write({ type: 'planned', host: 'web-1', plan: planFor() })
    expect(readRun(state, 'RUN').progress.get('web-1')?.plan?.steps).toHaveLength(2)
  })

  it('without the line in which its process ended, also when it was resumed since', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' })
    appendFileSync(events(), '{"at":"2026","type":"outcome","host":"web-1","sta')
    expect(readRun(state, 'RUN').progress.get('web-1')?.outcome).toBeNull()
    const resumed = reopenRecord(state, 'RUN')
    resumed.write({ type: 'outcome', host: 'web-1', outcome: makeOutcome('rolled-back') })
    expect(readRun(state, 'RUN').progress.get('web-1')?.outcome?.status).toBe('rolled-back')
  })

  it('of a host that is begun again with no outcome yet', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'outcome', host: 'web-1', outcome: makeOutcome('unknown') })
    record.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' })
    expect(readRun(state, 'RUN').progress.get('web-1')?.outcome).toBeNull()
  })

  it('of a host that was begun, and was skipped when the run went on, with what was known before: nothing', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'], hosts: ['web-1', 'web-2'] })
    for (const host of ['web-1', 'web-2']) record.write({ type: 'intent', host, step: 'apply', runDir: '/r' })
    record.write({ type: 'outcome', host: 'web-2', outcome: makeOutcome('rolled-back', { host: 'web-2' }) })
    const again = reopenRecord(state, 'RUN')
    for (const host of ['web-1', 'web-2']) {
      again.write({ type: 'outcome', host, outcome: makeOutcome('skipped', { host, cause: 'interrupted' }) })
    }
    const { hosts, pending } = summarizeRun(readRun(state, 'RUN'))
    expect(hosts.map(({ state: is }) => is)).toEqual(['in-doubt', 'rolled-back'])
    expect(pending).toEqual(['web-1'])
  })

  it('and a line that is damaged in the middle is said, with its file', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' })
    const text = readFileSync(events(), 'utf8')
    writeFileSync(events(), `{"type":\n${text}`)
    expect(() => readRun(state, 'RUN')).toThrow(ConfigError)
    expect(() => readRun(state, 'RUN')).toThrow(/RUN\/events\.ndjson:1: cannot read the run record: /)
    writeFileSync(events(), `${text}{"type":"outcome","host":"web-1","status":"fine"}\n${text}`)
    expect(() => readRun(state, 'RUN')).toThrow(/events\.ndjson:2: cannot read the run record: status: Invalid option/)
  })

  it('and a file of it that is missing is said, and is not the same as no run', () => {
    openRecord(state, 'RUN', { strategy: ['raise'] })
    rmSync(events())
    expect(() => readRun(state, 'RUN')).toThrow(/events\.ndjson: cannot read the run record: the file is missing$/)
    expect(() => readRun(state, 'RUN')).not.toThrow(NoRunError)
    expect(() => readRun(state, 'OTHER')).toThrow(NoRunError)
  })

  it('that is none is refused in one sentence; so is what cannot be the id of a run', () => {
    expect(() => readRun(state, 'RUN')).toThrow(/^no run RUN in .*runs$/)
    openRecord(state, 'RUN', { strategy: 'raise' })
    expect(() => readRun(state, 'RUN')).toThrow(ConfigError)
    expect(() => readRun(state, '../RUN')).toThrow(UsageError)
  })

  it('all of them, oldest first; none where there is no directory', () => {
    expect(listRuns(state)).toEqual([])
    openRecord(state, 'B', {})
    openRecord(state, 'A', {})
    mkdirSync(join(state, 'runs', 'C'))
    expect(listRuns(state)).toEqual(['A', 'B', 'C'])
  })
})
