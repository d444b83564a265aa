/** The chains that triggers stand in, by the places of their rules: one rule of nft may be several to who walks packets. */
import type { RulesetText } from '../../facts/facts.ts'
import { readExpressions } from '../../firewall/nft-rule.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { Base, Place, Rule } from '../../firewall/ruleset.ts'
import { isRecord } from '../../lang/record.ts'

/** One rule as its own tool counts it. */
export interface Entry {
  readonly parts: readonly Rule[]
  /** It asks and decides, and does nothing else that anybody could miss. */
  readonly plain: boolean
  /** Chains that it may hand packets to, whether or not all of it was understood. */
  readonly leads: readonly string[]
}

export interface ChainView {
  readonly base: Base | null
  readonly entries: readonly Entry[]
}

export interface TableView {
  readonly chains: ReadonlyMap<string, ChainView>
  /** Chains that elements of its maps lead to. */
  readonly leads: readonly string[]
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
      const maps = expressions.get(`${key} @`) ?? []
      const opaque =
        maps.length > 0 || found.some(([chain]) => (expressions.get(`${key} ${chain}`) ?? []).some(isOpaque))
      return [key, { chains: new Map(found), leads: maps.flatMap(leadsIn), opaque }]
    }),
  )
}

type Expressions = readonly Readonly<Record<string, unknown>>[]

/** By table and chain; verdict maps, to which packets and people may add elements at any time, under `@`. */
function nftRules({ sources }: RulesetText): ReadonlyMap<string, readonly Expressions[]> {
  const found = new Map<string, Expressions[]>()
  const add = (key: string, expressions: Expressions): void => {
    found.set(key, [...(found.get(key) ?? []), expressions])
  }
  const objects = sources.flatMap(({ format, text }) => (format === 'json' ? objectsOf(text) : []))
  for (const { rule, map } of objects) {
    if (isRecord(map) && map.map === 'verdict') add(`nft ${String(map.family)} ${String(map.table)} @`, [map])
    if (!isRecord(rule) || !Array.isArray(rule.expr)) continue
    add(`nft ${String(rule.family)} ${String(rule.table)} ${String(rule.chain)}`, rule.expr.filter(isRecord))
  }
  return found
}

const known = ({ matches }: Rule): boolean => matches.every(({ condition }) => condition.is !== 'unknown')

function entry(rule: Rule): Entry {
  const { verdict } = rule
  const leads = verdict.is === 'jump' || verdict.is === 'goto' ? [verdict.chain] : []
  return { parts: [rule], plain: known(rule), leads }
}

/** One rule of nft, by its expressions. */
export function nftEntry(expressions: Expressions): Entry {
  const parts = readExpressions(expressions)
  const words = ['match', 'counter', 'accept', 'drop']
  const plain = expressions.every(one => words.includes(Object.keys(one)[0] ?? ''))
  return { parts, plain: plain && parts.every(known), leads: leadsIn(expressions) }
}

/** Targets of jumps at any depth: where nobody knows what a rule asks, what it may lead to can still be read. */
function leadsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(leadsIn)
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, body]) => {
    const isJump = (name === 'jump' || name === 'goto') && isRecord(body) && typeof body.target === 'string'
    return isJump ? [String(body.target)] : leadsIn(body)
  })
}

/** A map of verdicts that is not written out, or that says what nobody here understands. */
function isOpaque(expressions: Expressions): boolean {
  const isMap = expressions.some(one => 'vmap' in one)
  return isMap && readExpressions(expressions).some(({ verdict }) => verdict.is === 'unknown')
}
