/** Live rules that need conntrack, of whatever backend: what asks for tracking, and what holds its modules without asking. */
import type { RulesetSource, RulesetText } from '../../facts/facts.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import { familyName } from '../../firewall/rule-state.ts'
import { type Place, placeOf } from '../../firewall/ruleset.ts'
import { triggersOf } from '../../firewall/triggers.ts'
import { isRecord } from '../../lang/record.ts'
import { lineOf } from './live.ts'
import { rulesIn } from './parts.ts'

export interface Need {
  /** What to call it in a sentence. */
  readonly name: string
  readonly place: Place
}

/** All of them, in the order of the listings. */
export function liveNeeds(ruleset: RulesetText): Need[] {
  const asking = triggersOf(ruleset).map(({ name, place }) => ({ name, place }))
  // What takes packets out of tracking does not ask for it, but its extension stands on it all the same.
  return [...asking, ...ruleset.sources.flatMap(source => [...untracking(source), ...translating(source)])]
}

function untracking({ backend, family, format, text }: RulesetSource): Need[] {
  if (format !== 'save' || family === null) return format === 'json' ? nftUntracking(text) : []
  return rulesIn(text)
    .filter(({ words }) => words.includes('NOTRACK') || words.includes('--notrack'))
    .map(rule => {
      const table = { backend, family: familyName(family), name: rule.table }
      const place = placeOf(table, rule.chain, lineOf(rule))
      return { name: `${backend} ${table.family} ${rule.table} ${lineOf(rule).slice(3)}`, place }
    })
}

function nftUntracking(text: string): Need[] {
  return objectsOf(text).flatMap(({ rule }) => {
    if (!isRecord(rule) || !Array.isArray(rule.expr)) return []
    const here = rule.expr.some(one => isRecord(one) && 'notrack' in one)
    return here ? [nftNeed(rule.family, rule.table, rule.chain, 'notrack')] : []
  })
}

/** A chain of type nat keeps the module that it is made of, with rules in it or without. */
function translating({ format, text }: RulesetSource): Need[] {
  if (format !== 'json') return []
  return objectsOf(text).flatMap(({ chain }) =>
    isRecord(chain) && chain.type === 'nat' ? [nftNeed(chain.family, chain.table, chain.name, 'type nat')] : [],
  )
}

function nftNeed(family: unknown, table: unknown, chain: unknown, line: string): Need {
  const where = { backend: 'nft', family: String(family), name: String(table) } as const
  const place = placeOf(where, String(chain), line)
  return { name: `nft ${where.family} ${where.name} ${place.chain} ${line}`, place }
}
