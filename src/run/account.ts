/** All that a record can tell of a run: what runs show documents, and what a report is made of. It asks no host. */
import { dirname } from 'node:path'
import type { Progress, RecordedRun } from './recorded.ts'
import { type RunResult, readResult } from './result-file.ts'
import { type HostSummary, type RunSummary, summarizeRun } from './run-summary.ts'
import type { Cause, Outcome } from './status.ts'
import type { Happening } from './story.ts'
import { type TakenBack, takenBackBy } from './taken-back.ts'

export interface HostAccount
  extends HostSummary,
    Pick<Progress, 'plan' | 'checks' | 'probes' | 'before' | 'after' | 'elapsedMs' | 'begunAt' | 'endedAt'> {
  readonly cause: Cause | null
  readonly hint: string | null
}

export interface Account extends Omit<RunSummary, 'hosts'>, Omit<RunResult, 'hosts'> {
  readonly hosts: readonly HostAccount[]
  readonly story: readonly Happening[]
  /** When the last thing was written down. */
  readonly endedAt: string | null
  /** When it was gone on with, after it was broken off. */
  readonly resumed: readonly string[]
  /** By which later runs of this machine it was taken back. */
  readonly takenBack: readonly TakenBack[]
}

/** Everything there is in a record. */
export function accountOf(recorded: RecordedRun): Account {
  const { progress, story, directory } = recorded
  const result = readResult(directory)
  const summary = summarizeRun(recorded, result)
  const { exitCode, rules } = result
  const hosts = summary.hosts.map(host => hostAccount(host, progress.get(host.name)))
  const times = [...story.map(({ at }) => at), ...hosts.map(({ endedAt }) => endedAt)].filter(at => at !== null)
  const resumed = story.flatMap(({ type, at }) => (type === 'resumed' && at !== null ? [at] : []))
  // Records lie in state/runs/RUN.
  const takenBack = takenBackBy(dirname(dirname(directory)), recorded.run)
  const endedAt = times.toSorted().at(-1) ?? null
  return { ...summary, hosts, story, exitCode, rules, endedAt, resumed, takenBack }
}

function hostAccount(host: HostSummary, progress: Progress | undefined): HostAccount {
  const { plan = null, checks = [], probes = [], before = null, after = null, outcome = null } = progress ?? {}
  const { elapsedMs = null, begunAt = null, endedAt = null } = progress ?? {}
  const { cause = null, error = null } = outcome ?? {}
  // Of one that was begun anew, what came of the try before says nothing.
  const ended = outcome === null ? { checks: [], probes: [], after: null, elapsedMs: null, endedAt: null } : {}
  const hint = error?.hint ?? null
  return { ...host, plan, checks, probes, before, after, elapsedMs, begunAt, endedAt, cause, hint, ...ended }
}

/** The hosts as outcomes, for what is made of those; one in doubt is unknown, one never begun is skipped. */
export function outcomesOf({ hosts, run }: Account): Outcome[] {
  return hosts.map(({ name, state, step, error, hint, cause, plan, checks, digest, elapsedMs }) => ({
    ...{ host: name, cause, plan, checks, digest, facts: null },
    elapsedMs: elapsedMs ?? 0,
    status: state === 'in-doubt' ? 'unknown' : state === 'not-begun' ? 'skipped' : state,
    error: error === null ? unended(run, state, step) : { message: error, hint },
  }))
}

function unended(run: string, state: HostSummary['state'], step: HostSummary['step']): Outcome['error'] {
  if (state === 'not-begun') return { message: 'never begun', hint: null }
  if (state !== 'in-doubt') return null
  return { message: `begun (${step}), and nobody wrote down how it ended`, hint: `ctfix runs show -i INVENTORY ${run}` }
}

/** Why the run went no further; undefined where it did, or was gone on with later. */
export function stoppedIn({ story }: Pick<Account, 'story'>): Extract<Happening, { type: 'stopped' }> | undefined {
  const last = story.findLast(({ type }) => type === 'stopped' || type === 'resumed')
  return last?.type === 'stopped' ? last : undefined
}
