/** What the document of `ctfix hostkeys scan` holds. */
import { z } from 'zod'
import { EXIT } from '../errors.ts'
import { SCHEMA_VERSION } from './document.ts'

const fingerprint = z.string().regex(/^SHA256:/)

const host = z.strictObject({
  name: z.string(),
  known_as: z.string().nullable().describe('its name in known_hosts'),
  type: z.string().nullable(),
  fingerprint: fingerprint.nullable().describe('of the key it shows; null: it was not reached'),
  state: z
    .enum(['known', 'new', 'changed', 'revoked', 'excluded', 'not-seen', 'failed'])
    .describe('new: written down just now; not-seen: not reached'),
  against: z
    .strictObject({ place: z.string(), type: z.string(), fingerprint })
    .nullable()
    .describe('of a changed or revoked key: the line that stands against it, and its key'),
  error: z.strictObject({ message: z.string(), hint: z.string().nullable() }).nullable(),
})

/** `ctfix hostkeys scan --output json`. */
export const hostKeysSchema = z
  .strictObject({
    schema: z.literal(SCHEMA_VERSION).describe('changes when a field changes its meaning or goes'),
    exit_code: z.literal([EXIT.ok, EXIT.failed, EXIT.unreachable, EXIT.interrupted]),
    hosts: z.array(host),
  })
  .meta({ title: 'ctfix hostkeys scan', description: 'The key of every targeted host, in inventory order.' })
