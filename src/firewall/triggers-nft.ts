/** Rules and objects of nft that make the kernel track, in what `nft -j` prints. */

import { isRecord } from '../lang/record.ts'
import type { Family } from './address.ts'
import { readExpressions } from './nft-rule.ts'
import { nftText } from './nft-text.ts'
import { canonicalNft, type NftRuleState } from './own.ts'
import { objectsOf } from './own-ruleset.ts'
import { placeOf } from './ruleset.ts'
import type { Trigger, TriggerKind } from './trigger.ts'

const STATEMENTS: Readonly<Record<string, TriggerKind>> = {
  masquerade: 'nat',
  snat: 'nat',
  dnat: 'nat',
  redirect: 'nat',
  synproxy: 'synproxy',
  flow: 'offload',
  'ct helper': 'helper',
  'ct timeout': 'helper',
  'ct expectation': 'helper',
  'ct count': 'count',
}
/** Extensions of iptables by the names that nft shows of them. `CT` may be one that untracks: that it does not say. */
const EXTENSIONS =
  /^(state|conntrack|conn\w+|helper|cluster|CT|CONN\w+|SYNPROXY|MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP|FLOWOFFLOAD)$/
/** Objects that hold on to tracking by being there, used or not. */
const OBJECTS = ['ct timeout', 'ct helper', 'ct expectation', 'synproxy']

/** What the rule of these expressions asks tracking for; null for one that asks for none. */
function nftTriggerKind(expressions: readonly unknown[]): TriggerKind | null {
  const statements = expressions.filter(isRecord)
  const direct = statements.flatMap(one => STATEMENTS[Object.keys(one)[0] ?? ''] ?? [])
  if (direct[0]) return direct[0]
  if (statements.some(asksCount)) return 'count'
  if (statements.some(({ mangle }) => mangle !== undefined && mentionsCt(mangle))) return 'mark'
  if (statements.some(mentionsCt)) return 'state'
  const opaque = statements.some(({ xt }) => isRecord(xt) && EXTENSIONS.test(String(xt.name)))
  return opaque ? 'extension' : null
}

/** In a set's own statement, or a meter's. */
function asksCount(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(asksCount)
  return isRecord(value) && ('ct count' in value || Object.values(value).some(asksCount))
}

function mentionsCt(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(mentionsCt)
  return isRecord(value) && ('ct' in value || Object.values(value).some(mentionsCt))
}

const families = (family: string): readonly Family[] => (family === 'ip' ? [4] : family === 'ip6' ? [6] : [4, 6])

/** The triggers of a listing; tables in `elsewhere` (`ip filter`) are listed by a tool that knows them better. */
export function nftTriggers(text: string, elsewhere: ReadonlySet<string>): Trigger[] {
  const lengths = new Map<string, number>()
  return objectsOf(text).flatMap((object): Trigger[] => {
    const { rule } = object
    if (!isRecord(rule)) return objectTriggers(object, elsewhere)
    const { family, table, chain, expr } = rule
    if (typeof family !== 'string' || typeof table !== 'string' || typeof chain !== 'string') return []
    if (!Array.isArray(expr) || elsewhere.has(`${family} ${table}`)) return []
    const key = `${family} ${table} ${chain}`
    const position = (lengths.get(key) ?? 0) + 1
    lengths.set(key, position)
    const kind = nftTriggerKind(expr)
    if (kind === null) return []
    const printed = nftText(expr, rule.comment)
    const line = printed ?? readExpressions(expr.filter(isRecord))[0]?.line ?? ''
    const state: NftRuleState | null =
      printed !== null && isCommon(family) && isName(table) && isName(chain)
        ? { family, table, chain, position, text: printed, json: JSON.stringify(expr) }
        : null
    return [
      {
        ...{ kind, families: families(family), position },
        name: `nft ${family} ${table} ${chain} ${nameText(line)}`,
        line,
        place: placeOf({ backend: 'nft', family, name: table }, chain, line),
        rule: state,
        packets: packetsOf(expr),
      },
    ]
  })
}

const isCommon = (family: string): family is NftRuleState['family'] => ['ip', 'ip6', 'inet'].includes(family)

/** One that can be written without quotes, which not every version knows for names. */
const isName = (name: string): boolean => /^[A-Za-z0-9_./-]+$/.test(name)

/** A rule of nft without what counts, and with single blanks: as it is named. */
export function nameText(text: string): string {
  return canonicalNft(`${text} `)
    .replace(/\bcounter(?= |$)(?! name) ?/g, '')
    .trim()
}

function packetsOf(expressions: readonly unknown[]): number | null {
  const counter = expressions.map(one => (isRecord(one) ? one.counter : null)).find(isRecord)
  return typeof counter?.packets === 'number' ? counter.packets : null
}

function objectTriggers(object: Readonly<Record<string, unknown>>, elsewhere: ReadonlySet<string>): Trigger[] {
  const [what = '', body] = Object.entries(object)[0] ?? []
  if (!OBJECTS.includes(what) || !isRecord(body)) return []
  const [family, table, line] = [String(body.family), String(body.table), `${what} ${String(body.name)}`]
  if (elsewhere.has(`${family} ${table}`)) return []
  const place = placeOf({ backend: 'nft', family, name: table }, '-', line)
  const about = { kind: 'object', families: families(family), position: 0, rule: null, packets: null } as const
  return [{ ...about, name: `nft ${family} ${table} ${line}`, line, place }]
}
