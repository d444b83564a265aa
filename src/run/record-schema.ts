/** What stands in the files of a record: run.json, and a line of events.ndjson. */
import { z } from 'zod'
import { keptSchema } from '../inventory/kept-vars.ts'
import { planSchema } from '../plan/plan-file.ts'
import { numbersSchema } from './numbers.ts'
import { probedSchema } from './outside/probed.ts'
import { stretchesSchema } from './rollout/recorded-rules.ts'
import { STATUSES } from './status.ts'

const steps = z.array(z.object({ strategy: z.string(), options: z.record(z.string(), z.unknown()) }))

export const headerSchema = z.object({
  command: z.string().default('apply'),
  at: z.string().nullable().default(null),
  who: z.string().nullable().default(null),
  strategy: z.array(z.string()),
  hosts: z.array(z.string()).default([]),
  tasks: z.array(z.object({ hosts: z.array(z.string()), steps, force: z.boolean() })).default([]),
  /** Of a rollback: the run that is taken back. */
  of: z.string().nullable().default(null),
  /** Batches, limits and gates; none: all hosts at once. */
  rollout: stretchesSchema.default([]),
  /** What -e gave it. */
  extra_vars: keptSchema.default({ kept: {}, left: [] }),
})

/** What older versions did not write down, and what only people ask for: where it is not as we write it, it is missing. */
const at = z.string().nullable().catch(null)
const numbers = numbersSchema.nullable().catch(null)
const check = z.object({ name: z.string(), status: z.enum(['pass', 'fail', 'unknown']), detail: z.string() })

const outcomeSchema = z.object({
  status: z.enum(STATUSES),
  cause: z.enum(['stale', 'interrupted', 'excluded', 'locked', 'budget']).nullable(),
  error: z.object({ message: z.string(), hint: z.string().nullable() }).nullable(),
  digest: z.string().nullable().default(null),
  checks: z.array(check).catch([]),
  elapsedMs: z.number().nullable().catch(null),
  ...{ at, numbers },
})

export const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('planned'), host: z.string(), plan: planSchema, numbers }),
  z.object({ type: z.literal('intent'), host: z.string(), step: z.enum(['apply', 'persist', 'undo']), at }),
  z.object({ type: z.literal('probe'), host: z.string(), probes: probedSchema.array().catch([]) }),
  z.object({ type: z.literal('outcome'), host: z.string() }).extend(outcomeSchema.shape),
  // How far a run came is said of its hosts; these tell a person how it went.
  z.looseObject({ type: z.enum(['batch', 'gate', 'stopped', 'resumed', 'torn']) }),
])
