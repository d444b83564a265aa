/** What is said of a run that was, for people and for programs. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { accountOf } from '../../../src/run/account.ts'
import { openRecord, reopenRecord } from '../../../src/run/record.ts'
import { readRun } from '../../../src/run/recorded.ts'
import { summarizeRun } from '../../../src/run/run-summary.ts'
import { runDocumentOf, runsText, runText } from '../../../src/view/runs.ts'
import { makeOutcome } from '../../support/outcomes.ts'

it('a run that was stopped says why, until it is gone on with', async () => {
  const state = mkdtempSync(join(tmpdir(), 'ctfix-runs-'))
  const record = openRecord(state, 'RUN', { strategy: ['raise'], hosts: ['web-1', 'web-2', 'web-3'] })
  const reason = 'the gate after batch 1 of 2 failed: ./ok: exit code 1\nno luck'
  record.write({ type: 'stopped', reason, notAttempted: ['web-2', 'web-3'] })
  const error = { message: 'gone\nweb-9  changed', hint: null }
  record.write({ type: 'outcome', host: 'web-1', outcome: makeOutcome('failed', { host: 'web-1', error }) })
  await record.close(['{}'])
  const stopped = accountOf(readRun(state, 'RUN'))
  const lines = runText(stopped, new Map()).split('\n')
  // One line: what a command says must not look like a line of ours.
  expect(lines).toContain(
    'stopped   the gate after batch 1 of 2 failed: ./ok: exit code 1 no luck; 2 hosts not attempted',
  )
  expect(lines).toContain('  to go on:           ctfix apply -i INVENTORY --resume RUN')
  expect(runDocumentOf(stopped, new Map())).toMatchObject({ story: [{ type: 'stopped', reason }] })
  expect(lines.some(text => text.startsWith('web-9'))).toBe(false)
  await reopenRecord(state, 'RUN').close(['{}'])
  expect(runText(accountOf(readRun(state, 'RUN')), new Map())).not.toContain('stopped')
})

it('the list of runs says of which run a rollback was', async () => {
  const state = mkdtempSync(join(tmpdir(), 'ctfix-runs-'))
  await openRecord(state, 'ONE', { strategy: ['raise'], hosts: ['web-1'] }).close(['{}'])
  await openRecord(state, 'TWO', { command: 'rollback', strategy: ['rollback'], of: 'ONE', hosts: ['web-1'] }).close([
    '{}',
  ])
  const rows = runsText(['ONE', 'TWO'].map(run => summarizeRun(readRun(state, run)))).split('\n')
  expect(rows[1]).toMatch(/^ONE +\? +apply +raise +1 not-begun$/)
  expect(rows[2]).toMatch(/^TWO +\? +rollback +ONE +1 not-begun$/)
})
