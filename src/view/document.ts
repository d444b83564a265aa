/** Result documents: what `--output json` prints. Field names are snake_case; schemas/ holds their JSON Schema. */

import type { ExitCode } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { jsonPieces } from '../lang/pieces.ts'
import { plain } from '../lang/text.ts'
import { diffLines } from '../plan/diff.ts'
import type { Outcome, Status } from '../run/status.ts'
import { STATUSES } from '../run/status.ts'
import type { TakenBack } from '../run/taken-back.ts'

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

/** Every host has the same keys, thousands of times; a few may be words of a host. */
const MOST_KEYS = 4096
const snaked = new Map<string, string>()

function snake(key: string): string {
  const known = snaked.get(key)
  if (known !== undefined) return known
  const made = plain(key).replace(/[a-z0-9][A-Z]/g, pair => `${pair[0]}_${pair[1]?.toLowerCase()}`)
  if (snaked.size < MOST_KEYS) snaked.set(key, made)
  return made
}

/** A document whose hosts are made when they are asked for: of many the whole is never there at once. */
export interface HostsDocument {
  readonly head: object
  readonly hosts: Iterable<unknown>
}

/** A document of hosts, in inventory order; `body` says what stands there of each. */
export function hostsDocument(
  head: object,
  outcomes: readonly Outcome[],
  body: (outcome: Outcome) => object,
): HostsDocument {
  return {
    head: Object(toDocument({ schema: SCHEMA_VERSION, ...head })),
    hosts: {
      *[Symbol.iterator]() {
        for (const outcome of outcomes) yield toDocument({ name: outcome.host, ...body(outcome) })
      },
    },
  }
}

/** Its text, host by host: `indent` 0 makes a single line. */
export function* documentText({ head, hosts }: HostsDocument, indent: 0 | 2): Generator<string> {
  yield* jsonPieces(head, ['hosts', hosts], indent)
  yield '\n'
}

/** The document of `ctfix facts`. */
export function factsDocument(outcomes: readonly Outcome[], exitCode: ExitCode): HostsDocument {
  return hostsDocument({ exitCode }, outcomes, ({ status, facts, error }) => ({
    status,
    facts: facts && factsBody(facts),
    error,
  }))
}

/** Facts as programs read them: counters flat, of files only that they are there, and no rules but those that track. */
export function factsBody({
  files,
  stats,
  earlier,
  log,
  ruleset: _,
  ownNft: __,
  tracking: ___,
  ...facts
}: Facts): object {
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

/** What a saved plan is, and whether it can still be applied. */
export interface SavedNote {
  readonly state: 'ready' | 'expired' | 'used' | 'edited'
  readonly madeAt: string
  readonly expiresAt: string
  readonly who: string
  readonly used: { readonly run: string; readonly who: string; readonly at: string } | null
}

export interface RunHeader {
  readonly run: string
  readonly command: string
  readonly strategy: readonly string[]
  /** Of a run that went no further: why, and the last batch that was begun. */
  readonly stopped?: { readonly reason: string; readonly afterBatch: number }
  /** Of a plan that was read from a file. */
  readonly saved?: SavedNote
  /** How the batches go and what stops them, in words. */
  readonly rules?: readonly string[]
  /** Of a run that is long over: when it was gone on with, and by which runs it was taken back. */
  readonly resumed?: readonly string[]
  readonly takenBack?: readonly TakenBack[]
}

/** The document of plan, apply and verify. */
export function runDocument(header: RunHeader, outcomes: readonly Outcome[], exitCode: ExitCode): HostsDocument {
  return hostsDocument({ ...header, exitCode, summary: summarize(outcomes) }, outcomes, outcomeBody)
}

/** What came of one host: in a run document, and in the event that tells of it. */
export function outcomeBody({ status, cause, plan, checks, error, digest, probes, elapsedMs }: Outcome): object {
  return {
    status,
    cause,
    changes: plan?.changes ?? [],
    notes: plan?.notes ?? [],
    warnings: plan?.warnings ?? [],
    blockers: plan?.blockers ?? [],
    forced: plan?.forced ?? [],
    diff: plan ? diffLines(plan).join('\n') : '',
    checks,
    error,
    digest,
    ...(probes && { probes }),
    elapsedMs,
  }
}
