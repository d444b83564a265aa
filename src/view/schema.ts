/**
 * What the result documents of document.ts and json.ts hold. Read by tests and by tools/schemas.ts, which writes the
 * JSON Schemas that are shipped; no command loads it.
 */
import { z } from 'zod'
import { EXIT } from '../errors.ts'
import type { Check } from '../run/checks.ts'
import { type Event, PHASES } from '../run/events.ts'
import { probedSchema } from '../run/outside/probed.ts'
import { savedSchema } from '../run/saved-plan.ts'
import { type Cause, STATUSES } from '../run/status.ts'
import { change } from './change-schema.ts'
import { diagnosisSchema } from './diagnosis-schema.ts'
import { type SavedNote, SCHEMA_VERSION } from './document.ts'
import { count, facts, words } from './facts-schema.ts'
import { hostKeysSchema } from './host-keys-schema.ts'
import { inventoryHostSchema, inventorySchema } from './inventory-schema.ts'
import { playbookSchema } from './playbook-schema.ts'
import { numbers, runRecordSchema, runsSchema, since } from './runs-schema.ts'
import { watchSchema } from './watch-schema.ts'

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
  notes: z.array(z.string()).optional().describe('what is as it should be, and worth knowing: what auto came to'),
  warnings: z.array(z.string()),
  blockers: z.array(blocker),
  forced: z.array(blocker).describe('blockers that --force went past'),
}
const outcome = {
  status,
  cause: words<Cause>({ stale: true, interrupted: true, excluded: true, locked: true, budget: true }).nullable(),
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
  probes: z
    .array(probedSchema)
    .optional()
    .describe('what --probe measured from the controller, before, during and after'),
  digest: z.string().nullable().describe('what the host says its targets are after a change, as one digest'),
  elapsed_ms: count,
}

const ALWAYS = ['ok', 'changed', 'failed']
const counts = STATUSES.map(name => [name.replaceAll('-', '_'), ALWAYS.includes(name) ? count : count.optional()])

const saved = z.strictObject({
  state: words<SavedNote['state']>({ ready: true, expired: true, used: true, edited: true }),
  made_at: z.string(),
  expires_at: z.string(),
  who: z.string(),
  used: z.strictObject({ run: z.string(), who: z.string(), at: z.string() }).nullable(),
})

/** `ctfix plan`, `show`, `apply`, `verify` and `rollback` with `--output json`. */
export const runSchema = z
  .strictObject({
    schema,
    run: z.string(),
    command: z.enum(['plan', 'apply', 'verify', 'rollback']),
    strategy: z.array(z.string()),
    saved: saved.optional().describe('of ctfix show: what the file is'),
    exit_code: exitCode,
    stopped: z
      .strictObject({ reason: z.string(), after_batch: count })
      .optional()
      .describe('of a run that went no further; what it did not come to is skipped, with the cause budget'),
    rules: z.array(z.string()).optional().describe('how the batches go and what stops them, in words'),
    resumed: since.resumed.optional(),
    taken_back: since.taken_back.optional(),
    summary: z.strictObject({ targeted: count, ...Object.fromEntries(counts) }),
    hosts: z.array(z.strictObject({ name: z.string(), ...outcome })),
  })
  .meta({
    title: 'ctfix plan, show, apply, verify, rollback',
    description: 'What came of a run; every targeted host, in order.',
  })

function eventOf<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.strictObject({ schema, type: z.literal(type), host: z.string(), ...shape })
}

type Gate = Extract<Event, { type: 'gate' }>

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
      numbers: numbers.optional().describe('what the look has counted that it was planned on'),
    }),
    eventOf('intent', {
      step: words<Extract<Event, { type: 'intent' }>['step']>({ apply: true, persist: true, undo: true }),
      run_dir: z.string(),
    }),
    eventOf('probe', { probes: z.array(probedSchema) }),
    eventOf('outcome', outcome),
    z.strictObject({
      ...{ schema, type: z.literal('batch') },
      index: z.int().positive().describe('from 1'),
      of: z.int().positive(),
      hosts: z.array(z.string()),
      canary: z.boolean(),
    }),
    z.strictObject({
      ...{ schema, type: z.literal('gate') },
      after: z.int().positive().describe('the batch that it follows'),
      kind: words<Gate['kind']>({ bake: true, command: true, symptom: true }),
      status: words<Gate['status']>({ begun: true, passed: true, failed: true }),
      detail: z.string(),
    }),
    z.strictObject({ schema, type: z.literal('stopped'), reason: z.string(), not_attempted: z.array(z.string()) }),
  ])
  .meta({ title: 'ctfix event', description: 'A line of --output ndjson; the last line is the whole result instead.' })

/** The files of schemas/, by name. Readers must bear fields that are added, so these are open where ours are strict. */
export function jsonSchemas(): ReadonlyMap<string, object> {
  const all = {
    facts: factsSchema,
    diagnosis: diagnosisSchema,
    watch: watchSchema,
    run: runSchema,
    plan: savedSchema,
    event: eventSchema,
    runs: runsSchema,
    'run-record': runRecordSchema,
    inventory: inventorySchema,
    'inventory-host': inventoryHostSchema,
    hostkeys: hostKeysSchema,
  }
  const open = Object.entries(all).map(([name, documented]): [string, object] => [
    name,
    z.toJSONSchema(documented, {
      override({ jsonSchema }) {
        if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      },
    }),
  ])
  // What people write is read strictly.
  const files: readonly [string, object][] = [...open, ['playbook', playbookSchema()]]
  return new Map(files.map(([name, json]) => [`${name}-${SCHEMA_VERSION}.schema.json`, json]))
}
