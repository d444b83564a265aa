import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { openRecord, readRun } from '../../../src/run/record.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'

let state: string
const lines = (): Record<string, unknown>[] =>
  readFileSync(join(state, 'runs', 'RUN', 'events.ndjson'), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfix-record-'))
})

describe('the record of a run', () => {
  it('is there before the first host, for its owner alone', () => {
    const { directory } = openRecord(state, 'RUN', { strategy: ['raise'], hosts: ['web-1'] })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, 'run.json')).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8'))).toMatchObject({
      run: 'RUN',
      hosts: ['web-1'],
    })
    expect(lines()).toEqual([])
  })

  it('has each event as it happens, phases left out, and of an outcome the verdict', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'phase', host: 'web-1', phase: 'connect' })
    record.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/var/lib/ctfix/RUN' })
    expect(lines()).toHaveLength(1)
    const outcome = makeOutcome('changed', { facts: makeFacts(), plan: planFor() })
    record.write({ type: 'outcome', host: 'web-1', outcome })
    expect(lines().map(({ at, ...line }) => line)).toEqual([
      { type: 'intent', host: 'web-1', step: 'apply', runDir: '/var/lib/ctfix/RUN' },
      { type: 'outcome', host: 'web-1', status: 'changed', cause: null, checks: [], error: null },
    ])
    for (const { at } of lines()) expect(new Date(String(at)).getTime()).toBeGreaterThan(0)
  })

  it('is read back with the numbers each auto came to', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise', 'timeouts'] })
    record.write({ type: 'planned', host: 'web-1', plan: planFor() })
    record.close({ any: 'result' })
    const { strategy, steps } = readRun(state, 'RUN')
    expect(strategy).toEqual(['raise', 'timeouts'])
    expect([...steps.keys()]).toEqual(['web-1'])
    expect(steps.get('web-1')?.[0]).toMatchObject({ strategy: 'raise', options: { max: 131_072, buckets: 131_072 } })
    expect(JSON.parse(readFileSync(join(state, 'runs', 'RUN', 'result.json'), 'utf8'))).toEqual({ any: 'result' })
  })

  it('of the same host planned twice counts the later plan', () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'planned', host: 'web-1', plan: { ...planFor(), steps: [] } })
    record.write({ type: 'planned', host: 'web-1', plan: planFor() })
    expect(readRun(state, 'RUN').steps.get('web-1')).toHaveLength(2)
  })

  it('that cannot be written ends the run before any host', () => {
    const file = join(state, 'file')
    writeFileSync(file, '')
    expect(() => openRecord(file, 'RUN', {})).toThrow(ConfigError)
    expect(() => openRecord(file, 'RUN', {})).toThrow(/cannot write the run record/)
  })

  it('that is none is refused in one sentence', () => {
    expect(() => readRun(state, 'RUN')).toThrow(/RUN: cannot read the run record: ENOENT/)
    openRecord(state, 'RUN', { strategy: 'raise' })
    expect(() => readRun(state, 'RUN')).toThrow(ConfigError)
  })
})
