/** Output of `nft -j list ruleset` → tables. */
import { z } from 'zod'
import { readExpressions } from './nft-rule.ts'
import type { Base, Chain, Rule, Table } from './ruleset.ts'

const HOOK_TYPES = ['filter', 'nat', 'route'] as const

const chainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  type: z.string().optional(),
  hook: z.string().optional(),
  prio: z.number().optional(),
  policy: z.string().optional(),
})
const ruleSchema = z.object({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  handle: z.number().optional(),
  comment: z.string().optional(),
  expr: z.array(z.record(z.string(), z.unknown())),
})
const rulesetSchema = z.object({
  nftables: z.array(
    z.object({
      table: z.object({ family: z.string(), name: z.string(), flags: z.unknown().optional() }).optional(),
      chain: chainSchema.optional(),
      rule: ruleSchema.optional(),
    }),
  ),
})

interface OpenTable {
  readonly family: string
  readonly name: string
  readonly chains: Map<string, { name: string; base: Base | null; rules: Rule[] }>
}

/** Reads the tables. null for what is no such output: a newer format, or cut off. */
export function parseNftJson(text: string): Table[] | null {
  const decoded = rulesetSchema.safeParse(parseJson(text))
  if (!decoded.success) return null
  const tables = new Map<string, OpenTable>()
  const asleep = new Set<string>()
  const tableOf = (family: string, name: string): OpenTable => {
    const key = `${family} ${name}`
    const table = tables.get(key) ?? { family, name, chains: new Map() }
    tables.set(key, table)
    return table
  }
  for (const { table, chain, rule } of decoded.data.nftables) {
    if (table) {
      // A dormant table is there and does nothing.
      if ([table.flags].flat().includes('dormant')) asleep.add(`${table.family} ${table.name}`)
      tableOf(table.family, table.name)
    }
    if (chain) {
      const { name } = chain
      tableOf(chain.family, chain.table).chains.set(name, { name, base: baseOf(chain), rules: [] })
    }
    if (rule)
      tableOf(rule.family, rule.table)
        .chains.get(rule.chain)
        ?.rules.push(...readExpressions(rule.expr))
  }
  const awake = [...tables].filter(([name]) => !asleep.has(name))
  return awake.map(([, table]) => ({ ...table, backend: 'nft', chains: bound(table) }))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function baseOf({ type, hook, prio = 0, policy }: z.infer<typeof chainSchema>): Base | null {
  if (hook === undefined) return null
  return {
    type: HOOK_TYPES.find(known => known === type) ?? 'filter',
    hook,
    priority: prio,
    policy: policy === 'drop' ? 'drop' : 'accept',
  }
}

/** A netdev chain sees the packets of its device only, and which one that is older versions do not say. */
function bound({ family, name, chains }: OpenTable): Map<string, Chain> {
  if (family !== 'netdev') return chains
  return new Map(
    [...chains].map(([key, chain]) => {
      if (!chain.base) return [key, chain]
      const device = {
        condition: { is: 'unknown', text: `device of netdev ${name}`, varies: 'never' },
        not: false,
      } as const
      const end: Rule[] =
        chain.base.policy === 'drop' ? [{ line: 'policy drop', matches: [], verdict: { is: 'drop' } }] : []
      const rules = [...chain.rules, ...end].map(rule => ({ ...rule, matches: [device, ...rule.matches] }))
      return [key, { ...chain, base: { ...chain.base, policy: 'accept' }, rules }]
    }),
  )
}
