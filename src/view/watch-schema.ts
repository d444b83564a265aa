/** What `ctfix watch` prints for programs; part of schema.ts. */
import { z } from 'zod'
import { EXIT } from '../errors.ts'
import { latelySchema } from '../run/outside/probed.ts'
import { LINKS } from '../watch/watched.ts'
import { SCHEMA_VERSION } from './document.ts'

const schema = z.literal(SCHEMA_VERSION).describe('changes when a field changes its meaning or goes')
const whole = z.int().nonnegative().nullable()
const number = z.number().nonnegative().nullable()

const link = z
  .enum(LINKS)
  .describe('lost: it is tried again; unreachable, failed, skipped: it is not; excluded: by the inventory')

const figures = {
  family: z
    .enum(['nf_conntrack', 'ip_conntrack'])
    .nullable()
    .describe('null: not seen yet, or nothing is tracked there'),
  count: whole,
  max: whole,
  buckets: whole,
  usage: number.describe('count by max'),
  drops: whole.describe('counters of the kernel since its module was loaded, over all CPUs'),
  early_drops: whole,
  insert_failed: whole,
  entries_per_second: z.number().nullable().describe('rates are of about ten seconds'),
  seconds_to_full: number.describe('at that rate; 0: it is full; null: it does not fill'),
  drops_per_second: number,
  early_drops_per_second: number,
  insert_failed_per_second: number,
  new_table_full_lines: whole.describe('in the kernel log since the watch began; null: it cannot be read'),
}

const reading = z.strictObject({ schema, type: z.literal('reading'), host: z.string(), at: z.string(), ...figures })
const change = z.strictObject({
  ...{ schema, type: z.literal('link'), host: z.string(), at: z.string() },
  link,
  error: z.string().nullable(),
})

const probes = z.array(latelySchema).describe('one for each --probe')

const probe = z.strictObject({
  ...{ schema, type: z.literal('probe'), host: z.string(), at: z.string() },
  probes,
})

/** Of `--once`. */
const summary = z.strictObject({
  schema,
  exit_code: z.literal(Object.values(EXIT)),
  interval_seconds: z.number().positive(),
  hosts: z.array(
    z.strictObject({
      ...{ name: z.string(), link, error: z.string().nullable(), at: z.string().nullable() },
      ...figures,
      probes,
    }),
  ),
})

/** `ctfix watch --output ndjson`, a line; and `--once --output json`. */
export const watchSchema = z.union([reading, change, probe, summary]).meta({
  title: 'ctfix watch',
  description: 'A line of --output ndjson; with --once the last line, and all of --output json, is the document.',
})
