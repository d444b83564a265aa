/** What documents say of changes: the kinds of change/change.ts, in the words of JSON. */
import { z } from 'zod'
import { count } from './facts-schema.ts'

const fileState = z.strictObject({
  content: z.string(),
  mode: z.string(),
  owner: z.string(),
  label: z.string().nullable(),
  ownDirectory: z.literal(true).optional().describe('its directory is made for it, and goes with it when it is empty'),
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

const chainState = z.strictObject({
  backend: z.enum(['iptables-legacy', 'iptables-nft']),
  family: z.literal([4, 6]),
  table: z.string(),
  chain: z.string(),
  rules: z.array(z.array(z.string())).describe('the words of each rule after the name of the chain'),
})

const json = z.string().nullable().describe('the same as `nft -j` has it; null: read from a host')

const nftTableState = z.strictObject({ text: z.string(), json })

const nftRuleState = z.strictObject({
  family: z.enum(['ip', 'ip6', 'inet']),
  table: z.string(),
  chain: z.string(),
  position: count.nullable().describe('from 1; null: at the end'),
  text: z.string(),
  json,
})

const entriesState = z.strictObject({
  count: count.nullable().describe('how many there were; null: nobody counted'),
  selectors: z.array(z.array(z.string())).describe('the words after `conntrack -D`, a call each'),
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
  changeOf('service', 'runtime', z.literal('running')),
  changeOf('chain', 'runtime', chainState),
  changeOf('nft-table', 'runtime', nftTableState),
  changeOf('nft-rule', 'runtime', nftRuleState),
  changeOf('file', 'persistent', fileState),
  changeOf('boot-service', 'persistent', z.string().describe('`enabled`, or the runlevels it is in')),
  changeOf('initramfs', 'persistent', z.string()),
  changeOf('entries', 'final', entriesState),
])
