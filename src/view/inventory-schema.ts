/** What the documents of `ctfix inventory` hold. */
import { z } from 'zod'
import { SCHEMA_VERSION } from './document.ts'

const schema = z.literal(SCHEMA_VERSION).describe('changes when a field changes its meaning or goes')

const host = {
  name: z.string(),
  address: z.string().nullable().describe('null, as port and user: it is vaulted'),
  port: z.int().nullable(),
  user: z.string().nullable(),
  connection: z.enum(['ssh', 'local']),
  groups: z.array(z.string()).describe('parents included, all first'),
  exclude: z.string().nullable(),
  from: z.string().describe('where the inventory names it'),
  variables: z
    .array(z.strictObject({ name: z.string(), value: z.unknown(), from: z.string() }))
    .describe('those that ctfix reads; *** stands for passwords and for whatever is vaulted'),
  unread: z
    .array(z.strictObject({ name: z.string(), from: z.string() }))
    .describe('its other variables; their values are never shown'),
}

/** `ctfix inventory list --output json`, and `graph`. */
export const inventorySchema = z
  .strictObject({
    schema,
    hosts: z.array(z.strictObject(host)),
    groups: z.array(
      z.strictObject({
        name: z.string(),
        hosts: z.array(z.string()).describe('its own, not those of its children'),
        children: z.array(z.string()),
      }),
    ),
  })
  .meta({ title: 'ctfix inventory list, graph', description: 'Hosts in inventory order, and the tree of groups.' })

/** `ctfix inventory host NAME --output json`. */
export const inventoryHostSchema = z
  .strictObject({ schema, ...host })
  .meta({ title: 'ctfix inventory host', description: 'One host, each variable with the place it comes from.' })
