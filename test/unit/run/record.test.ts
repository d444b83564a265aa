import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { openRecord } from '../../../src/run/record.ts'
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
      { type: 'outcome', host: 'web-1', status: 'changed', cause: null, checks: [], error: null, digest: null },
    ])
    for (const { at } of lines()) expect(new Date(String(at)).getTime()).toBeGreaterThan(0)
  })

  it('ends with the result', () => {
    openRecord(state, 'RUN', { strategy: ['raise'] }).close({ any: 'result' })
    expect(JSON.parse(readFileSync(join(state, 'runs', 'RUN', 'result.json'), 'utf8'))).toEqual({ any: 'result' })
  })

  it('of another run is never written over', () => {
    openRecord(state, 'RUN', { strategy: ['raise'] })
    expect(() => openRecord(state, 'RUN', { strategy: ['raise'] })).toThrow(/cannot write the run record: EEXIST/)
  })

  it('that cannot be written ends the run before any host', () => {
    const file = join(state, 'file')
    writeFileSync(file, '')
    expect(() => openRecord(file, 'RUN', {})).toThrow(ConfigError)
    expect(() => openRecord(file, 'RUN', {})).toThrow(/cannot write the run record/)
  })
})
