/** The live rules with and without what is ours: what of it is there, and what they look like once it is put in or taken out. */
import type { Facts, RulesetSource, RulesetText } from '../facts/facts.ts'
import { isRecord } from '../lang/record.ts'
import { linesOf } from './iptables-save.ts'
import { type ChainState, canonicalNft, chainLines, type NftRuleState } from './own.ts'
import { canonicalWords, joinWords, splitWords } from './words.ts'

/** The chain as it is; null when there is none. Counters do not count. */
export function findChain({ sources }: RulesetText, of: Omit<ChainState, 'rules'>): ChainState | null {
  const source = sources.find(isSourceOf(of))
  if (!source) return null
  let inside = false
  let found = false
  const rules: string[][] = []
  for (const line of linesOf(source.text)) {
    if (line.startsWith('*')) inside = line.slice(1).trim() === of.table
    if (!inside) continue
    if (line.startsWith(`:${of.chain} `)) found = true
    const [, chain, words] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line) ?? []
    if (chain === of.chain && words !== undefined) rules.push(canonicalWords(splitWords(words), of.family))
  }
  return found || rules.length > 0 ? { ...of, rules } : null
}

/** The live rules with this chain, as iptables-restore leaves it; without it for null. Rules that jump there stay as they are. */
export function withChain(ruleset: RulesetText, of: ChainState, after: ChainState | null): RulesetText {
  const isHome = isSourceOf(of)
  const empty: RulesetSource = { backend: of.backend, family: of.family, format: 'save', text: '' }
  const sources = ruleset.sources.some(isHome) ? ruleset.sources : [...ruleset.sources, empty]
  const text = (source: RulesetSource): string => chainIn(source.text, of, after)
  return { ...ruleset, sources: sources.map(source => (isHome(source) ? { ...source, text: text(source) } : source)) }
}

function isSourceOf({ backend, family }: Pick<ChainState, 'backend' | 'family'>) {
  return (source: RulesetSource): boolean =>
    source.backend === backend && source.family === family && source.format === 'save'
}

/** One table's chain replaced in a save; the table is made where it is missing. */
function chainIn(text: string, { table, chain }: ChainState, after: ChainState | null): string {
  const rule = new RegExp(`^(?:\\[\\d+:\\d+\\] )?-A ${chain}( |$)`)
  let inside = false
  const kept = linesOf(text).filter(line => {
    if (line.startsWith('*')) inside = line.slice(1).trim() === table
    return !(inside && (line.startsWith(`:${chain} `) || rule.test(line)))
  })
  if (after === null) return kept.join('\n')
  const lines = [`:${chain} - [0:0]`, ...chainLines(after).map(words => `-A ${chain} ${words}`)]
  const start = kept.findIndex(line => line.startsWith('*') && line.slice(1).trim() === table)
  if (start === -1) return [...kept.filter(line => line !== ''), `*${table}`, ...lines, 'COMMIT', ''].join('\n')
  const commit = kept.findIndex((line, at) => at > start && line.startsWith('COMMIT'))
  return kept.toSpliced(commit, 0, ...lines).join('\n')
}

/** Objects of nft's JSON with the own table's replaced; without any for null. */
export function withOwnTable(ruleset: RulesetText, json: string | null): RulesetText {
  return withObjects(ruleset, objects => [
    ...objects.filter(object => !isOwnObject(object)),
    ...(json === null ? [] : objectsOf(json)),
  ])
}

/** An object of nft's JSON that is our table, or stands in it. */
export function isOwnObject(object: Readonly<Record<string, unknown>>): boolean {
  return Object.values(object).some(isOwn)
}

const isOwn = (body: unknown): boolean =>
  isRecord(body) && body.family === 'inet' && (body.table === 'ctfix' || (body.name === 'ctfix' && !('table' in body)))

/** The same with a rule of ours put into a chain of somebody else's. */
export function withNftRule(ruleset: RulesetText, state: NftRuleState): RulesetText {
  const { family, table, chain, position } = state
  const rule = { rule: { family, table, chain, comment: 'ctfix', expr: state.json === null ? [] : parsed(state.json) } }
  return withObjects(ruleset, objects => {
    const places = objects.flatMap((object, at) => (isRuleOf(object, state) ? [at] : []))
    const own = objects.findIndex(
      ({ chain: body }) => isRecord(body) && body.family === family && body.table === table && body.name === chain,
    )
    const at = position === null ? undefined : places[position - 1]
    return objects.toSpliced(at ?? (places.at(-1) ?? own) + 1, 0, rule)
  })
}

/**
 * And with it taken out: the one of ours in that chain that says the same, else the one of somebody else's, or of ours
 * that are left the last.
 */
export function withoutNftRule(ruleset: RulesetText, state: NftRuleState): RulesetText {
  return withObjects(ruleset, objects => {
    const places = objects.flatMap((object, at) => (isRuleOf(object, state) ? [at] : []))
    const [ours, others] = [true, false].map(own => places.filter(at => isCommented(objects[at] ?? {}) === own))
    const says = (at: number): boolean =>
      state.json !== null && expressionsOf(objects[at]) === uncounted(parsed(state.json))
    const at = ours?.find(says) ?? others?.find(says) ?? ours?.at(-1)
    return at === undefined ? objects : objects.toSpliced(at, 1)
  })
}

const isCommented = ({ rule }: Readonly<Record<string, unknown>>): boolean => isRecord(rule) && rule.comment === 'ctfix'

/** Expressions of the rules of ours in a chain, in order: the same order as in a list of their texts. */
export function ownExpressions(
  { sources }: RulesetText,
  of: Pick<NftRuleState, 'family' | 'table' | 'chain'>,
): string[] {
  return sources
    .filter(({ format }) => format === 'json')
    .flatMap(({ text }) => objectsOf(text).filter(object => isRuleOf(object, of) && isCommented(object)))
    .map(expressionsOf)
}

function expressionsOf(object: Readonly<Record<string, unknown>> | undefined): string {
  return isRecord(object?.rule) ? uncounted(object.rule.expr) : ''
}

/** Counters say nothing about the rule. */
function uncounted(expressions: unknown): string {
  return JSON.stringify(expressions, (key, value: unknown) => (key === 'counter' ? null : value))
}

type OwnNftRule = NonNullable<Facts['ownNft']>['rules'][number]

/** True for the same rule of ours, whatever version of nft wrote it down. */
export function isOwnRule(one: OwnNftRule, other: OwnNftRule): boolean {
  const place = ({ family, table, chain }: OwnNftRule): string => `${family} ${table} ${chain}`
  return place(one) === place(other) && canonicalNft(one.text) === canonicalNft(other.text)
}

type Objects = readonly Readonly<Record<string, unknown>>[]

function isRuleOf(
  { rule }: Readonly<Record<string, unknown>>,
  { family, table, chain }: Pick<NftRuleState, 'family' | 'table' | 'chain'>,
): boolean {
  return isRecord(rule) && rule.family === family && rule.table === table && rule.chain === chain
}

function withObjects(ruleset: RulesetText, edit: (objects: Objects) => Objects): RulesetText {
  const isHome = ({ format }: RulesetSource): boolean => format === 'json'
  const empty: RulesetSource = { backend: 'nft', family: null, format: 'json', text: '{"nftables":[]}' }
  const sources = ruleset.sources.some(isHome) ? ruleset.sources : [...ruleset.sources, empty]
  return {
    ...ruleset,
    sources: sources.map(source => {
      if (!isHome(source)) return source
      return { ...source, text: JSON.stringify({ nftables: edit(objectsOf(source.text)) }) }
    }),
  }
}

/** Objects of `{"nftables": […]}`; none where it is no such text. */
export function objectsOf(text: string): Objects {
  const whole = parsed(text)
  const list = isRecord(whole) ? whole.nftables : whole
  return Array.isArray(list) ? list.filter(isRecord) : []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** True when both are the same rules in the same order, whatever version wrote them down. */
export function isSameChain(one: ChainState | null, other: ChainState | null): boolean {
  if (one === null || other === null) return one === other
  return joinWords(chainLines(one)) === joinWords(chainLines(other))
}
