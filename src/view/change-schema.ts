/** What documents say of changes: the kinds of change/change.ts, in the words of JSON. */
import { z } from 'zod'
import { count } from './facts-schema.ts'

const fileState = z.strictObject({
  content: z.string(),
  mode: z.string(),
  owner: z.string(),
  label: z.string().nullable(),
})

const ruleState = z.strictObject({
  backend: z.enum(['iptables-legacy', 'iptables-nft']),
  family: z.literal([4, 6]),
  table: z.string(),
  chain: z.string(),
  position: count.nullable().describe('from 1; null: at the end'),
  copy: count.optional().describe('which of several equal rules of the chain'),
  spec: z.array(z.string()),
})

function changeOf<Kind extends string, State extends z.ZodType>(kind: Kind, layer: string, state: State) {
  return z.strictObject({
    kind: z.literal(kind),
    layer: z.literal(layer),
    target: z.string(),
    before: state.nullable().describe('null: absent'),
    after: state.nullable(),
    why: z.string(),
  })
}

export const change = z.discriminatedUnion('kind', [
  changeOf('kernel-value', 'runtime', z.string()),
  changeOf('rule', 'runtime', ruleState),
  changeOf('module', 'runtime', z.literal('loaded')),
  changeOf('file', 'persistent', fileState),
])
