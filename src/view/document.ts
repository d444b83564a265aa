/** Result documents: what `--output json` prints. Field names are snake_case; schemas/ holds their JSON Schema. */

import type { ExitCode } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { plain } from '../lang/text.ts'
import { diffLines } from '../plan/diff.ts'
import type { Outcome, Status } from '../run/status.ts'
import { STATUSES } from '../run/status.ts'

/** Version of the documents. It changes when a field changes its meaning or goes, not when one is added. */
export const SCHEMA_VERSION = 1

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** camelCase keys → snake_case, all the way down; strings from hosts are made harmless. */
export function toDocument(value: unknown): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.map(toDocument)
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snake(key), toDocument(inner)]))
  }
  return plain(String(value))
}

function snake(key: string): string {
  return plain(key).replace(/[a-z0-9][A-Z]/g, pair => `${pair[0]}_${pair[1]?.toLowerCase()}`)
}

/** The document of `ctfix facts`. */
export function factsDocument(outcomes: readonly Outcome[], exitCode: ExitCode): Json {
  const hosts = outcomes.map(({ host, status, facts, error }) => ({
    name: host,
    status,
    facts: facts && factsBody(facts),
    error,
  }))
  return toDocument({ schema: SCHEMA_VERSION, exitCode, hosts })
}

/** Facts as programs read them: counters flat, of files only that they are there, and no rules but those that track. */
function factsBody({ files, stats, earlier, log, ruleset: _, ownNft: __, tracking: ___, ...facts }: Facts): object {
  return {
    ...facts,
    stats: stats?.counters ?? null,
    earlier: earlier && { ...earlier, stats: earlier.stats?.counters ?? null },
    tableFullLines: log?.lines ?? null,
    log,
    files: files.map(({ path, state, refused }) => ({
      path,
      present: state !== null,
      mode: state?.mode ?? null,
      refused,
    })),
  }
}

/** Counts of a recap: `targeted`, and each status that occurred (`changed` and `failed` always). */
export function summarize(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const count = (status: Status): number => outcomes.filter(outcome => outcome.status === status).length
  const always: readonly Status[] = ['ok', 'changed', 'failed']
  const counts = STATUSES.map(status => [status.replaceAll('-', '_'), count(status)] as const)
  return Object.fromEntries([
    ['targeted', outcomes.length],
    ...counts.filter(([name, n]) => n > 0 || always.some(status => status === name)),
  ])
}

export interface RunHeader {
  readonly run: string
  readonly command: string
  readonly strategy: readonly string[]
}

/** The document of plan, apply and verify. */
export function runDocument(header: RunHeader, outcomes: readonly Outcome[], exitCode: ExitCode): Json {
  return toDocument({
    schema: SCHEMA_VERSION,
    ...header,
    exitCode,
    summary: summarize(outcomes),
    hosts: outcomes.map(outcome => ({ name: outcome.host, ...outcomeBody(outcome) })),
  })
}

/** What came of one host: in a run document, and in the event that tells of it. */
export function outcomeBody({ status, cause, plan, checks, error, digest, elapsedMs }: Outcome): object {
  return {
    status,
    cause,
    changes: plan?.changes ?? [],
    warnings: plan?.warnings ?? [],
    blockers: plan?.blockers ?? [],
    forced: plan?.forced ?? [],
    diff: plan ? diffLines(plan).join('\n') : '',
    checks,
    error,
    digest,
    elapsedMs,
  }
}
