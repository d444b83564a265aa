/** The chains that triggers stand in, by the places of their rules: one rule of nft may be several to who walks packets. */
import type { RulesetText } from '../../facts/facts.ts'
import { readExpressions } from '../../firewall/nft-rule.ts'
import { isRecord } from '../../firewall/nft-value.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { Base, Place, Rule } from '../../firewall/ruleset.ts'

/** One rule as its own tool counts it. */
export interface Entry {
  readonly parts: readonly Rule[]
  /** It asks and decides, and does nothing else that anybody could miss. */
  readonly plain: boolean
}

export interface ChainView {
  readonly base: Base | null
  readonly entries: readonly Entry[]
}

export interface TableView {
  readonly chains: ReadonlyMap<string, ChainView>
  /** Chains may be led to by what no listing shows. */
  readonly opaque: boolean
}

export type Views = ReadonlyMap<string, TableView>

/** The table of a place; triggers of tables that are not among them (asleep, or of no packet of ours) are never judged. */
export const tableKey = ({ backend, family, table }: Pick<Place, 'backend' | 'family' | 'table'>): string =>
  `${backend} ${family} ${table}`

/** Every table that is awake. */
export function viewsOf(ruleset: RulesetText): Views {
  const expressions = nftRules(ruleset)
  return new Map(
    readRuleset(ruleset).tables.map(({ backend, family, name, chains }) => {
      const key = tableKey({ backend, family, table: name })
      const found = [...chains].map(([chain, { base, rules }]): [string, ChainView] => [
        chain,
        {
          base,
          entries: backend === 'nft' ? (expressions.get(`${key} ${chain}`) ?? []).map(nftEntry) : rules.map(entry),
        },
      ])
      const maps = (expressions.get(`${key} @`) ?? []).length > 0
      const opaque = maps || found.some(([chain]) => (expressions.get(`${key} ${chain}`) ?? []).some(isOpaque))
      return [key, { chains: new Map(found), opaque }]
    }),
  )
}

type Expressions = readonly Readonly<Record<string, unknown>>[]

/** By table and chain; verdict maps, whose elements are not in the look, under `@`. */
function nftRules({ sources }: RulesetText): ReadonlyMap<string, readonly Expressions[]> {
  const found = new Map<string, Expressions[]>()
  const add = (key: string, expressions: Expressions): void => {
    found.set(key, [...(found.get(key) ?? []), expressions])
  }
  const objects = sources.flatMap(({ format, text }) => (format === 'json' ? objectsOf(text) : []))
  for (const { rule, map } of objects) {
    if (isRecord(map) && map.map === 'verdict') add(`nft ${String(map.family)} ${String(map.table)} @`, [])
    if (!isRecord(rule) || !Array.isArray(rule.expr)) continue
    add(`nft ${String(rule.family)} ${String(rule.table)} ${String(rule.chain)}`, rule.expr.filter(isRecord))
  }
  return found
}

const known = ({ matches }: Rule): boolean => matches.every(({ condition }) => condition.is !== 'unknown')

const entry = (rule: Rule): Entry => ({ parts: [rule], plain: known(rule) })

function nftEntry(expressions: Expressions): Entry {
  const parts = readExpressions(expressions)
  const words = ['match', 'counter', 'accept', 'drop']
  const plain = expressions.every(one => words.includes(Object.keys(one)[0] ?? ''))
  return { parts, plain: plain && parts.every(known) }
}

/** A map of verdicts that is not written out. */
function isOpaque(expressions: Expressions): boolean {
  return expressions.some(({ vmap }) => isRecord(vmap) && !(isRecord(vmap.data) && Array.isArray(vmap.data.set)))
}
