import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { accountOf, outcomesOf, stoppedIn } from '../../../src/run/account.ts'
import { numbersOf, numbersSchema } from '../../../src/run/numbers.ts'
import { openRecord, reopenRecord } from '../../../src/run/record.ts'
import { readRun } from '../../../src/run/recorded.ts'
import { summarizeRun } from '../../../src/run/run-summary.ts'
import { documentText, runDocument } from '../../../src/view/document.ts'
import { runDocumentOf } from '../../../src/view/runs.ts'
import { runRecordSchema } from '../../../src/view/runs-schema.ts'
import { makeFacts } from '../../support/facts.ts'
import { badly, changed, measured, skipped } from '../../support/fates.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'
import { RUN, recordRun } from '../../support/recorded-run.ts'

const newState = (): string => mkdtempSync(join(tmpdir(), 'ctfix-account-'))

const full = makeFacts({
  ...{ count: 600, max: 600, buckets: 2560, states: { tcp_established: 500 } },
  stats: { counters: { drop: 10, early_drop: 4, insert_failed: 2 }, cpus: 2 },
  log: { lines: 7, otherNamespaceLines: 0, lastAtSeconds: 3, source: 'dmesg' },
})
const before = {
  ...{ tracks: true, count: 600, max: 600, buckets: 2560, states: { tcp_established: 500 } },
  ...{ lost: { drop: 10, early_drop: 4 }, lines: 7, window: null },
}

describe('the numbers of a look', () => {
  it('are few, and what rose while it was watched', () => {
    expect(numbersOf(full)).toEqual(before)
    const earlier = { stats: { counters: { drop: 7, early_drop: 9 }, cpus: 2 }, log: null, secondsBefore: 10.4 }
    // A counter that fell was begun anew.
    expect(numbersOf({ ...full, earlier }).window).toEqual({
      ...{ seconds: 10.4, lost: { drop: 3, early_drop: 4 }, lines: null },
    })
    const log = { lines: 9, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' } as const
    expect(numbersOf({ ...full, earlier: { ...earlier, stats: null, log } }).window).toEqual({
      ...{ seconds: 10.4, lost: null, lines: 0 },
    })
  })

  it('count states by the census where there is no other count', () => {
    const state = { assured: 0, unreplied: 0, idle: 0 }
    const states = [
      { protocol: 'tcp', state: 'TIME_WAIT', entries: 3, ...state },
      { protocol: 'udp', state: null, entries: 2, ...state },
    ]
    const census = { source: 'proc', rows: 5, cut: null, count: 5, states, ports: [], peers: [], half: [] } as const
    const facts = makeFacts({ states: null, census: { ...census, expectations: null, namespaces: [] } })
    expect(numbersOf(facts).states).toEqual({ tcp_time_wait: 3, udp: 2 })
  })

  it('of a host without conntrack say so, and come back as they were written', () => {
    const none = numbersOf(makeFacts({ family: null, count: null, max: null, buckets: null, stats: null, log: null }))
    expect(none).toMatchObject({ tracks: false, lost: null, lines: null })
    expect(numbersSchema.parse(JSON.parse(JSON.stringify(none)))).toEqual(none)
  })
})

describe('the account of a run', () => {
  it('has the numbers of before it was touched, also where it was begun twice, and those of the last look', async () => {
    const state = newState()
    const record = openRecord(state, RUN, { strategy: ['raise'], hosts: ['web-1', 'web-2'] })
    const intent = { type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' } as const
    record.write({ type: 'planned', host: 'web-1', plan: planFor(), numbers: numbersOf(makeFacts()) })
    record.write({ type: 'planned', host: 'web-1', plan: planFor(), numbers: numbersOf(full) })
    record.write(intent)
    await record.close(['{}'])
    const again = reopenRecord(state, RUN)
    again.write({ type: 'planned', host: 'web-1', plan: planFor(), numbers: numbersOf(makeFacts()) })
    again.write(intent)
    again.write({ type: 'outcome', host: 'web-1', outcome: makeOutcome('changed', { facts: makeFacts() }) })
    const account = accountOf(readRun(state, RUN))
    expect(account.hosts[0]).toMatchObject({ state: 'changed', before, after: { count: 1000 }, elapsedMs: 7 })
    expect(account.hosts[1]).toMatchObject({ state: 'not-begun', before: null, after: null, endedAt: null })
    expect(account.story.map(({ type }) => type)).toEqual(['resumed'])
    expect(account).toMatchObject({ exitCode: null, rules: [], endedAt: account.hosts[0]?.endedAt })
  })

  it('is what runs show documents, to the letter of its schema', () => {
    const state = newState()
    recordRun(state, [changed(1, 1), badly(), skipped(2)], 'too many failed')
    const account = accountOf(readRun(state, RUN))
    const hosts = account.hosts.map((host, i) => ({ ...host, probes: measured(i) }))
    const document = runRecordSchema.parse(runDocumentOf({ ...account, hosts }, new Map()))
    expect(document.hosts[0]).toMatchObject({ state: 'changed', before: { max: 65_536 }, after: { max: 262_144 } })
    expect(document.story.map(({ type }) => type)).toEqual(['batch', ...Array(4).fill('gate'), 'batch', 'stopped'])
    expect(document.exit_code).toBe(account.exitCode)
  })

  it('comes to outcomes: in doubt is unknown with what to do, never begun is skipped', () => {
    const state = newState()
    const record = openRecord(state, RUN, { strategy: ['raise'], hosts: ['web-1', 'web-2'] })
    record.write({ type: 'intent', host: 'web-1', step: 'persist', runDir: '/r' })
    expect(outcomesOf(accountOf(readRun(state, RUN)))).toMatchObject(
      [
        {
          status: 'unknown',
          error: { message: 'begun (persist), and nobody wrote down how it ended', hint: /runs show/ },
        },
        { status: 'skipped', error: { message: 'never begun', hint: null } },
      ].map(one => ({
        ...one,
        error: { ...one.error, hint: one.error.hint && `ctfix runs show -i INVENTORY ${RUN}` },
      })),
    )
  })

  it('says why it stopped, unless it was gone on with', async () => {
    const state = newState()
    const record = openRecord(state, RUN, { strategy: ['raise'], hosts: ['web-1'] })
    record.write({ type: 'stopped', reason: 'why', notAttempted: ['web-1'] })
    await record.close(['{}'])
    expect(stoppedIn(accountOf(readRun(state, RUN)))).toMatchObject({ reason: 'why', notAttempted: ['web-1'] })
    await reopenRecord(state, RUN).close(['{}'])
    expect(stoppedIn(accountOf(readRun(state, RUN)))).toBeUndefined()
  })
})

it('of a host that the run had nothing to do with, its verdict in the result is taken', async () => {
  const state = newState()
  const record = openRecord(state, RUN, { command: 'rollback', strategy: ['rollback'], hosts: ['web-1'], of: RUN })
  expect(accountOf(readRun(state, RUN)).hosts[0]?.state).toBe('not-begun')
  const outcome = makeOutcome('ok', { error: { message: 'the run changed nothing here', hint: null } })
  await record.close(
    documentText(runDocument({ run: RUN, command: 'rollback', strategy: ['rollback'] }, [outcome], 0), 2),
  )
  expect(accountOf(readRun(state, RUN)).hosts[0]).toMatchObject({ state: 'ok', error: 'the run changed nothing here' })
  const { hosts } = summarizeRun(readRun(state, RUN))
  expect(hosts).toMatchObject([{ name: 'web-1', state: 'ok', error: 'the run changed nothing here' }])
})

it('of a run that goes on, the end it had before is no end', async () => {
  const state = newState()
  const record = openRecord(state, RUN, { strategy: ['raise'], hosts: ['web-1', 'web-2'] })
  for (const host of ['web-1', 'web-2']) {
    record.write({ type: 'outcome', host, outcome: makeOutcome('skipped', { host, cause: 'budget' }) })
  }
  const skippedAll = ['web-1', 'web-2'].map(host => makeOutcome('skipped', { host, cause: 'budget' }))
  await record.close(documentText(runDocument({ run: RUN, command: 'apply', strategy: ['raise'] }, skippedAll, 6), 2))
  expect(accountOf(readRun(state, RUN)).exitCode).toBe(6)
  const again = reopenRecord(state, RUN)
  again.write({ type: 'intent', host: 'web-1', step: 'apply', runDir: '/r' })
  const { exitCode, hosts, pending } = accountOf(readRun(state, RUN))
  expect([exitCode, hosts.map(host => host.state), pending]).toEqual([null, ['in-doubt', 'skipped'], ['web-1']])
})
