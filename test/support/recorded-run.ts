/** The record of a run over made-up hosts, written event by event as a run writes it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Facts } from '../../src/facts/facts.ts'
import { makePlan } from '../../src/plan/plan.ts'
import { type Check, judge } from '../../src/run/checks.ts'
import type { Event } from '../../src/run/events.ts'
import { numbersOf } from '../../src/run/numbers.ts'
import { openRecord } from '../../src/run/record.ts'
import { resultFile } from '../../src/run/result-file.ts'
import { exitCodeOfRun, type Outcome, type Status } from '../../src/run/status.ts'
import { raise } from '../../src/strategy/raise.ts'
import { timeouts } from '../../src/strategy/timeouts.ts'
import { documentText, runDocument } from '../../src/view/document.ts'
import { makeFacts } from './facts.ts'
import { makeOutcome } from './outcomes.ts'

export const RUN = '01JD8Z5W3M9QX7R2T4V6B8N0KC'
const BEGUN = Date.parse('2026-03-01T03:02:11Z')

/** What becomes of one host. */
export interface Fate {
  readonly name: string
  readonly status: Status
  readonly error?: Outcome['error']
  /** Its max before; equal ones make equal plans. */
  readonly max: number
  /** Share of the table that is in use before. */
  readonly usage: number
}

/** A chance that is the same each time. */
export function draws(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

function factsOf({ max, usage }: Fate, draw: () => number): Facts {
  const count = Math.round(max * usage)
  const shares = { tcp_established: 0.71, tcp_time_wait: 0.16, tcp_close_wait: 0.05, udp: 0.05, tcp_syn_sent: 0.03 }
  const states = Object.fromEntries(Object.entries(shares).map(([state, share]) => [state, Math.round(count * share)]))
  const drop = usage >= 0.99 ? Math.round(400 + draw() * 90_000) : 0
  const counters = { drop, early_drop: Math.round(drop / 7), insert_failed: 3, chainlength: 0 }
  const log = { lines: drop > 0 ? Math.round(drop / 40) : 0, otherNamespaceLines: 0, lastAtSeconds: null }
  return makeFacts({
    ...{ count, max, buckets: max / 4, states, stats: { counters, cpus: 4 } },
    log: { ...log, source: 'dmesg' },
  })
}

/** The same host after the change, watched for ten seconds. */
function later(before: Facts, draw: () => number): Facts {
  const max = 4 * (before.max ?? 0)
  const count = Math.round((before.count ?? 0) * (0.45 + draw() * 0.2))
  const states = { ...before.states, tcp_established: Math.round(count * 0.5), tcp_time_wait: Math.round(count * 0.3) }
  const earlier = { stats: before.stats, log: before.log, secondsBefore: 10 + Math.round(draw() * 12) / 10 }
  return { ...before, count, max, buckets: max, usage: count / max, states, earlier, uptimeSeconds: 90_000 }
}

/** Writes the record of a run in these batches; a host of status `unknown` is begun and never ends. */
export function recordRun(stateDir: string, batches: readonly (readonly Fate[])[], stopped?: string): string {
  const draw = draws(7)
  const strategy = ['raise', 'timeouts']
  const all = batches.flat()
  const hosts = all.map(({ name }) => name)
  const record = openRecord(stateDir, RUN, {
    ...{ command: 'apply', strategy, hosts, at: new Date(BEGUN).toISOString(), who: 'mara@desk (pid 4711)' },
  })
  const times: number[] = []
  let now = BEGUN
  const write = (event: Event, seconds: number): void => {
    now += seconds * 1000
    times.push(now)
    record.write(event)
  }
  const outcomes: Outcome[] = []
  for (const [i, batch] of batches.entries()) {
    const names = batch.map(({ name }) => name)
    const isLeft = batch.every(({ status }) => status === 'skipped')
    const canary = i === 0
    if (batches.length > 1 && !isLeft) {
      write({ type: 'batch', index: i + 1, of: batches.length, hosts: names, canary }, 1)
    }
    for (const fate of batch) {
      const facts = factsOf(fate, draw)
      const steps = [
        { strategy: raise, options: { max: fate.max * 4 } },
        { strategy: timeouts, options: { established: 7440 } },
      ]
      const plan = makePlan(fate.name, { steps, force: false }, facts)
      const touched = ['changed', 'rolled-back', 'rollback-failed', 'unknown'].includes(fate.status)
      const error = fate.error ?? null
      if (!touched) {
        const declined = makePlan(fate.name, { steps, force: false }, { ...facts, managers: ['kube-proxy'] })
        const isPlanned = fate.status === 'blocked'
        if (isPlanned) write({ type: 'planned', host: fate.name, plan: declined, numbers: numbersOf(facts) }, 0.05)
        const seen = fate.status === 'ok' || isPlanned ? facts : null
        const outcome = makeOutcome(fate.status, { host: fate.name, error, facts: seen })
        outcomes.push(outcome)
        write({ type: 'outcome', host: fate.name, outcome }, 0.05)
        continue
      }
      write({ type: 'planned', host: fate.name, plan, numbers: numbersOf(facts) }, 0.08)
      write({ type: 'intent', host: fate.name, step: 'apply', runDir: `/var/lib/ctfix/${RUN}` }, 0.02)
      if (fate.status === 'unknown') continue
      const seen = later(facts, draw)
      const again = makePlan(fate.name, { steps: [], force: false }, seen)
      const checks: readonly Check[] = judge(seen, again, { files: true, newConnection: true })
      const outcome = makeOutcome(fate.status, {
        ...{ host: fate.name, facts: seen, plan, checks, error, elapsedMs: 12_400 + Math.round(draw() * 900) },
      })
      outcomes.push(outcome)
      write({ type: 'outcome', host: fate.name, outcome }, 11 / Math.max(1, batch.length))
    }
    if (i === batches.length - 1 || isLeft || batches[i + 1]?.every(({ status }) => status === 'skipped')) continue
    write({ type: 'gate', after: i + 1, kind: 'bake', status: 'begun', detail: '2m' }, 0.1)
    write({ type: 'gate', after: i + 1, kind: 'bake', status: 'passed', detail: '2m' }, 120)
    const symptom = 'no drop and no table-full line on 1 changed host'
    write({ type: 'gate', after: i + 1, kind: 'symptom', status: 'begun', detail: 'of 1 of 1 changed hosts' }, 0.1)
    write({ type: 'gate', after: i + 1, kind: 'symptom', status: 'passed', detail: symptom }, 2.2)
  }
  if (stopped !== undefined) {
    const notAttempted = all.filter(({ status }) => status === 'skipped').map(({ name }) => name)
    write({ type: 'stopped', reason: stopped, notAttempted }, 0.1)
  }
  const rules = batches.length > 1 ? [`${batches.length} batches over ${all.length} hosts, 2m between them`] : []
  const header = { run: RUN, command: 'apply', strategy, ...(rules.length > 0 && { rules }) }
  // As close does it, at once.
  writeFileSync(
    resultFile(record.directory),
    [...documentText(runDocument(header, outcomes, exitCodeOfRun(outcomes, false)), 2)].join(''),
  )
  retime(join(record.directory, 'events.ndjson'), times)
  return record.directory
}

/** The record takes its times from the clock; here a run of minutes is written at once. */
function retime(file: string, times: readonly number[]): void {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const told = lines.map((line, i) =>
    JSON.stringify({ ...JSON.parse(line), at: new Date(times[i] ?? BEGUN).toISOString() }),
  )
  writeFileSync(file, `${told.join('\n')}\n`)
}
