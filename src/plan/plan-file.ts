/** A plan as it is written down: on the host it was made for, and in the record of its run. Read back, nothing is believed. */
import { z } from 'zod'
import { NFT_TABLE } from '../firewall/own.ts'
import type { Plan } from './plan.ts'

/** It becomes a word of sh, and none can hold a NUL. */
const word = z.string().regex(/^[^\0]*$/)

const fileState = z.object({
  content: word,
  mode: z.string().regex(/^[0-7]{4}$/),
  owner: z.string().regex(/^\d+:\d+$/),
  label: word.nullable(),
  ownDirectory: z.literal(true).exactOptional(),
})

const ruleState = z.object({
  backend: z.enum(['iptables-legacy', 'iptables-nft']),
  family: z.union([z.literal(4), z.literal(6)]),
  table: word,
  chain: word,
  position: z.number().int().positive().nullable(),
  spec: z.array(word),
  copy: z.number().int().positive().exactOptional(),
})

/** It becomes part of a text that iptables-restore or nft reads line by line. */
const name = z.string().regex(/^[^\0\s]+$/)
const line = z.string().regex(/^[^\0\n]*$/)

const chainState = z.object({
  backend: z.enum(['iptables-legacy', 'iptables-nft']),
  family: z.union([z.literal(4), z.literal(6)]),
  table: name,
  chain: name,
  rules: z.array(z.array(line)),
})

const nftTableState = z.object({ text: word, json: z.string().nullable() })

const nftRuleState = z.object({
  family: z.enum(['ip', 'ip6', 'inet']),
  table: name,
  chain: name,
  position: z.number().int().positive().nullable(),
  text: line,
  json: z.string().nullable(),
})

const entriesState = z.object({
  count: z.number().int().nonnegative().nullable(),
  selectors: z.array(z.array(word)),
})

/** It becomes a part of paths, and a word of systemctl that must be no option. */
const service = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/)
/** Words, or digits, of a service manager. */
const bootState = z.string().regex(/^[a-z0-9][a-z0-9_-]*( [a-z0-9][a-z0-9_-]*)*$/i)

const change = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('rule'),
    layer: z.literal('runtime'),
    target: z.string().min(1),
    before: ruleState.nullable(),
    after: ruleState.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('chain'),
    layer: z.literal('runtime'),
    target: z.string().min(1),
    before: chainState.nullable(),
    after: chainState.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('nft-table'),
    layer: z.literal('runtime'),
    target: z.literal(NFT_TABLE),
    before: nftTableState.nullable(),
    after: nftTableState.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('nft-rule'),
    layer: z.literal('runtime'),
    target: z.string().min(1),
    before: nftRuleState.nullable(),
    after: nftRuleState.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('entries'),
    layer: z.literal('final'),
    target: z.string().min(1),
    before: entriesState.nullable(),
    after: z.null(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('module'),
    layer: z.literal('runtime'),
    // It becomes a part of paths.
    target: z.string().regex(/^[A-Za-z0-9_-]+$/),
    before: z.literal('loaded').nullable(),
    after: z.literal('loaded').nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('service'),
    layer: z.literal('runtime'),
    target: service,
    before: z.literal('running').nullable(),
    after: z.literal('running').nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('boot-service'),
    layer: z.literal('persistent'),
    target: service,
    before: bootState.nullable(),
    after: bootState.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('initramfs'),
    layer: z.literal('persistent'),
    target: z.string().regex(/^\/[A-Za-z0-9/._+~-]+$/),
    before: line.nullable(),
    after: line.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('kernel-value'),
    layer: z.literal('runtime'),
    target: word.min(1),
    before: word.nullable(),
    after: word.nullable(),
    why: z.string(),
  }),
  z.object({
    kind: z.literal('file'),
    layer: z.literal('persistent'),
    target: word.startsWith('/'),
    before: fileState.nullable(),
    after: fileState.nullable(),
    why: z.string(),
  }),
])

const blocker = z.object({ code: z.string(), message: z.string(), forceable: z.boolean() })

/** What a plan says to do, without whose it is: on equal hosts equal. */
export const planBody = z.object({
  steps: z.array(z.object({ strategy: z.string(), options: z.record(z.string(), z.unknown()) })),
  changes: z.array(change),
  notes: z.array(z.string()).exactOptional(),
  warnings: z.array(z.string()),
  blockers: z.array(blocker),
  forced: z.array(blocker),
})

/** Any plan this version writes. */
export const planSchema: z.ZodType<Plan> = planBody.extend({ host: z.string(), bootId: z.string().nullable() })
