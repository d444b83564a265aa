/** What the documents of `ctfix runs` hold. */
import { z } from 'zod'
import { RUN_STATES } from '../run/on-host.ts'
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

/** `ctfix runs show --output json`. */
export const runRecordSchema = run
  .extend({ schema, hosts: z.array(host.extend({ on_host: onHost.nullable().optional() })) })
  .meta({
    title: 'ctfix runs show',
    description: 'One run; on_host is there where hosts were asked, null where unknown.',
  })
