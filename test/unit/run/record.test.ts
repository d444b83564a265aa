import fs, { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { numbersOf } from '../../../src/run/numbers.ts'
import { openRecord } from '../../../src/run/record.ts'
import { readRun } from '../../../src/run/recorded.ts'
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
      {
        ...{ type: 'outcome', host: 'web-1', status: 'changed', cause: null, checks: [], error: null, digest: null },
        ...{ elapsedMs: 7, numbers: numbersOf(makeFacts()) },
      },
    ])
    for (const { at } of lines()) expect(new Date(String(at)).getTime()).toBeGreaterThan(0)
  })

  it('ends with the result', async () => {
    await openRecord(state, 'RUN', { strategy: ['raise'] }).close(['{"any":', '"result"}'])
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

  it('of which only half could be made is none', () => {
    expect(() => openRecord(state, 'RUN', { strategy: 1n })).toThrow(/cannot write the run record/)
    expect(existsSync(join(state, 'runs', 'RUN'))).toBe(false)
  })

  it('on a full disk lets no change begin, and says at the end that it is incomplete', async () => {
    mkdirSync(join(state, 'runs', 'RUN'), { recursive: true })
    symlinkSync('/dev/full', join(state, 'runs', 'RUN', 'events.ndjson'))
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' })
    expect(await record.committed()).toMatch(/^\/\S+\/runs\/RUN: ENOSPC/)
    expect(await record.close(['{}'])).toMatch(/^ENOSPC/)
  })

  it('goes on after a line of which the disk took a part, and is read without it', async () => {
    const record = openRecord(state, 'RUN', { strategy: ['raise'] })
    record.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' })
    const { appendFileSync } = fs
    fs.appendFileSync = (file, text) => {
      appendFileSync(file, String(text).slice(0, 30))
      throw new Error('ENOSPC: no space left on device')
    }
    syncBuiltinESMExports()
    try {
      record.write({ type: 'intent', host: 'web-1', step: 'persist', runDir: '/r' })
      record.write({ type: 'intent', host: 'web-1', step: 'undo', runDir: '/r' })
    } finally {
      fs.appendFileSync = appendFileSync
      syncBuiltinESMExports()
    }
    record.write({ type: 'outcome', host: 'web-1', outcome: makeOutcome('rolled-back') })
    expect(await record.committed()).toMatch(/^\/\S+\/runs\/RUN: ENOSPC/)
    const { progress, story } = readRun(state, 'RUN')
    expect(progress.get('web-1')).toMatchObject({ step: 'apply', outcome: { status: 'rolled-back' } })
    // Nobody went on with it.
    expect(story).toEqual([])
  })
})
