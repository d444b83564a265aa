/**
 * What the result documents of document.ts and json.ts hold. Read by tests and by tools/schemas.ts, which writes the
 * JSON Schemas that are shipped; no command loads it.
 */
import { z } from 'zod'
import { EXIT } from '../errors.ts'
import type { Check } from '../run/checks.ts'
import { type Event, PHASES } from '../run/events.ts'
import { type Cause, STATUSES } from '../run/status.ts'
import { change } from './change-schema.ts'
import { SCHEMA_VERSION } from './document.ts'
import { count, facts, words } from './facts-schema.ts'
import { runRecordSchema, runsSchema } from './runs-schema.ts'

const schema = z.literal(SCHEMA_VERSION).describe('changes when a field changes its meaning or goes')
const status = z.enum(STATUSES)
const exitCode = z.literal(Object.values(EXIT))
const error = z.strictObject({ message: z.string(), hint: z.string().nullable() }).nullable()

/** `ctfix facts --output json`. */
export const factsSchema = z
  .strictObject({
    schema,
    exit_code: exitCode,
    hosts: z.array(z.strictObject({ name: z.string(), status, facts: facts.nullable(), error })),
  })
  .meta({ title: 'ctfix facts', description: 'What each host is; every targeted host, in inventory order.' })

const blocker = z.strictObject({ code: z.string(), message: z.string(), forceable: z.boolean() })
const planned = {
  changes: z.array(change),
  warnings: z.array(z.string()),
  blockers: z.array(blocker),
  forced: z.array(blocker).describe('blockers that --force went past'),
}
const outcome = {
  status,
  cause: words<Cause>({ stale: true, interrupted: true, excluded: true, locked: true }).nullable(),
  ...planned,
  diff: z.string(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: words<Check['status']>({ pass: true, fail: true, unknown: true }),
      detail: z.string(),
    }),
  ),
  error,
  digest: z.string().nullable().describe('what the host says its targets are after a change, as one digest'),
  elapsed_ms: count,
}

const ALWAYS = ['ok', 'changed', 'failed']
const counts = STATUSES.map(name => [name.replaceAll('-', '_'), ALWAYS.includes(name) ? count : count.optional()])

/** `ctfix plan`, `apply`, `verify` and `rollback` with `--output json`. */
export const runSchema = z
  .strictObject({
    schema,
    run: z.string(),
    command: z.enum(['plan', 'apply', 'verify', 'rollback']),
    strategy: z.array(z.string()),
    exit_code: exitCode,
    summary: z.strictObject({ targeted: count, ...Object.fromEntries(counts) }),
    hosts: z.array(z.strictObject({ name: z.string(), ...outcome })),
  })
  .meta({
    title: 'ctfix plan, apply, verify, rollback',
    description: 'What came of a run; every targeted host, in order.',
  })

function eventOf<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.strictObject({ schema, type: z.literal(type), host: z.string(), ...shape })
}

/** A line of `--output ndjson`; the last line is the document of the command instead. */
export const eventSchema = z
  .discriminatedUnion('type', [
    eventOf('phase', { phase: z.enum(PHASES) }),
    eventOf('planned', {
      plan: z.strictObject({
        host: z.string(),
        steps: z.array(z.strictObject({ strategy: z.string(), options: z.record(z.string(), z.unknown()) })),
        ...planned,
        boot_id: z.string().nullable(),
      }),
    }),
    eventOf('intent', {
      step: words<Extract<Event, { type: 'intent' }>['step']>({ apply: true, persist: true, undo: true }),
      run_dir: z.string(),
    }),
    eventOf('outcome', outcome),
  ])
  .meta({ title: 'ctfix event', description: 'A line of --output ndjson; the last line is the whole result instead.' })

/** The files of schemas/, by name. Readers must bear fields that are added, so these are open where ours are strict. */
export function jsonSchemas(): ReadonlyMap<string, object> {
  const all = {
    facts: factsSchema,
    run: runSchema,
    event: eventSchema,
    runs: runsSchema,
    'run-record': runRecordSchema,
  }
  return new Map(
    Object.entries(all).map(([name, documented]) => [
      `${name}-${SCHEMA_VERSION}.schema.json`,
      z.toJSONSchema(documented, {
        override({ jsonSchema }) {
          if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
        },
      }),
    ]),
  )
}
