/** What the documents of `ctfix runs` hold. */
import { z } from 'zod'
import { RUN_STATES } from '../run/on-host.ts'
import { probedSchema } from '../run/outside/probed.ts'
import type { HostState } from '../run/run-summary.ts'
import { STATUSES } from '../run/status.ts'
import { SCHEMA_VERSION } from './document.ts'

const schema = z.literal(SCHEMA_VERSION).describe('changes when a field changes its meaning or goes')
const others: readonly Exclude<HostState, (typeof STATUSES)[number]>[] = ['in-doubt', 'not-begun']

const host = z.strictObject({
  name: z.string(),
  state: z.enum([...STATUSES, ...others]).describe('in-doubt: begun, and nobody wrote down how it ended'),
  step: z.enum(['apply', 'persist', 'undo']).nullable().describe('the last thing that was about to be asked of it'),
  error: z.string().nullable(),
  digest: z.string().nullable(),
})

const run = z.strictObject({
  run: z.string(),
  at: z.string().nullable(),
  who: z.string().nullable(),
  command: z.string(),
  strategy: z.array(z.string()),
  of: z.string().nullable().describe('of a rollback: the run that is taken back'),
  directory: z.string(),
  pending: z.array(z.string()).describe('hosts of which somebody has to find out what they are'),
})

const onHost = z.union([
  z.strictObject({
    state: z.enum(RUN_STATES),
    same_boot: z.boolean(),
    seconds_left: z.number().describe('until the guard takes it back'),
    timer_pending: z.boolean(),
    busy: z.boolean(),
    who: z.string().nullable(),
    at: z.string().nullable(),
    digests: z.strictObject({ before: z.string().nullable(), after: z.string().nullable() }),
  }),
  z.strictObject({ unreachable: z.string() }),
])

/** `ctfix runs list --output json`. */
export const runsSchema = z
  .strictObject({ schema, runs: z.array(run.extend({ hosts: z.array(host) })) })
  .meta({ title: 'ctfix runs list', description: 'The runs that have a record here, oldest first.' })

const counted = z.record(z.string(), z.number())

/** What one look counted. */
export const numbers = z
  .strictObject({
    tracks: z.boolean().describe('false: no conntrack there'),
    count: z.number().nullable(),
    max: z.number().nullable().describe('0: unlimited'),
    buckets: z.number().nullable(),
    lost: counted.nullable().describe('since boot, by counter; null: the kernel shows none'),
    lines: z.number().nullable().describe('table-full lines in the kernel log; null: not readable'),
    states: counted.nullable().describe('live entries by timeout name; null: not counted'),
    window: z
      .strictObject({ seconds: z.number(), lost: counted.nullable(), lines: z.number().nullable() })
      .nullable()
      .describe('what rose while it was watched'),
  })
  .nullable()

const recordedHost = host.extend({
  hint: z.string().nullable(),
  cause: z.string().nullable(),
  checks: z.array(
    z.strictObject({ name: z.string(), status: z.enum(['pass', 'fail', 'unknown']), detail: z.string() }),
  ),
  probes: z.array(probedSchema).describe('what --probe measured'),
  before: numbers.describe('at the look it was planned on; null: not recorded'),
  after: numbers.describe('at the last look; null: not recorded'),
  elapsed_ms: z.number().nullable(),
  begun_at: z.string().nullable().describe('when it was first about to be changed'),
  ended_at: z.string().nullable(),
  on_host: onHost.nullable().optional(),
})

const at = z.string().nullable()

/** Of several hosts at once, in order. */
const happening = z.discriminatedUnion('type', [
  z.strictObject({
    ...{ type: z.literal('batch'), at, index: z.number(), of: z.number() },
    ...{ hosts: z.array(z.string()), canary: z.boolean() },
  }),
  z.strictObject({
    ...{ type: z.literal('gate'), at, after: z.number().describe('the batch that it follows') },
    kind: z.enum(['bake', 'command', 'symptom']),
    status: z.enum(['begun', 'passed', 'failed']),
    detail: z.string(),
  }),
  z.strictObject({ type: z.literal('stopped'), at, reason: z.string(), not_attempted: z.array(z.string()) }),
  z.strictObject({ type: z.literal('resumed'), at }),
])

/** What came of a run later. */
export const since = {
  resumed: z.array(z.string()).describe('when it was gone on with, after it was broken off'),
  taken_back: z
    .array(
      z.strictObject({
        ...{ run: z.string(), at, who: z.string().nullable() },
        hosts: z.array(z.string()).describe('nothing of the run is left there'),
        not_back: z.array(z.string()).describe('it was about these as well, and cannot say so of them'),
      }),
    )
    .describe('the rollbacks of it that have a record here, the oldest first'),
}

/** `ctfix runs show --output json`. */
export const runRecordSchema = run
  .extend({
    schema,
    exit_code: z.number().nullable().describe('null: it was broken off, or is under way'),
    rules: z.array(z.string()).describe('how the batches go and what stops them, in words'),
    ended_at: z.string().nullable().describe('when the last thing was written down'),
    story: z.array(happening),
    ...since,
    hosts: z.array(recordedHost),
  })
  .meta({
    title: 'ctfix runs show',
    description: 'One run; on_host is there where hosts were asked, null where unknown.',
  })
