/** One iptables rule as a change names it, and what a save looks like with it and without it. */
import type { RulesetSource, RulesetText } from '../facts/facts.ts'
import { linesOf } from './iptables-save.ts'
import { isSameRule, joinWords, splitWords } from './words.ts'

export interface RuleState {
  readonly backend: 'iptables-legacy' | 'iptables-nft'
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  /**
   * Where in its chain it stands, from 1, at the moment of its change; null = at the end. Of several that leave one chain
   * the last goes first, so that the numbers stay those of the look.
   */
  readonly position: number | null
  /**
   * Which of several equal rules of the chain it is, from 1; 1 when left out. It is there when there are so many, and
   * only the last of them can be taken out: of three that leave, the third goes first.
   */
  readonly copy?: number
  /** The words after the chain's name, in the spelling of iptables-save. */
  readonly spec: readonly string[]
}

/** The word of a family in a target, and in what nft prints. */
export function familyName(family: 4 | 6): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6'
}

/** `iptables-legacy ip raw PREROUTING -p tcp --dport 22 -j DROP`: the target of its change. */
export function ruleTarget({ backend, family, table, chain, spec, copy = 1 }: RuleState): string {
  const which = copy > 1 ? ` #${copy}` : ''
  return `${backend} ${familyName(family)} ${table} ${chain} ${joinWords(spec)}${which}`
}

/** The rule set with one rule more. A table or a source that is not there comes with it, as the tool makes it. */
export function withRule(ruleset: RulesetText, rule: RuleState): RulesetText {
  const isHome = isSourceOf(rule)
  const sources = ruleset.sources.some(isHome) ? ruleset.sources : [...ruleset.sources, emptySource(rule)]
  return { ...ruleset, sources: sources.map(source => (isHome(source) ? addTo(source, rule) : source)) }
}

/** The rule set with that rule gone; as it was where the rule is not in it. */
export function withoutRule(ruleset: RulesetText, rule: RuleState): RulesetText {
  const isHome = isSourceOf(rule)
  return { ...ruleset, sources: ruleset.sources.map(source => (isHome(source) ? takeFrom(source, rule) : source)) }
}

/** Place of the rule in its chain, from 1; null when it is not there. */
export function positionOf(ruleset: RulesetText, rule: RuleState): number | null {
  const source = ruleset.sources.find(isSourceOf(rule))
  if (!source) return null
  const found = rulesOf(linesOf(source.text), rule).filter(({ same }) => same)[(rule.copy ?? 1) - 1]
  return found?.position ?? null
}

function isSourceOf({ backend, family }: RuleState): (source: RulesetSource) => boolean {
  return source => source.backend === backend && source.family === family && source.format === 'save'
}

function emptySource({ backend, family }: RuleState): RulesetSource {
  return { backend, family, format: 'save', text: '' }
}

interface FoundRule {
  /** Index of its line. */
  readonly at: number
  readonly position: number
  readonly same: boolean
}

/** The rules of a chain; `same` marks those that are the one asked for. */
function rulesOf(lines: readonly string[], { table, chain, spec, family }: RuleState): FoundRule[] {
  const found: FoundRule[] = []
  // A target has one name, but for the two of NOTRACK: most of thousands of lines need not be taken apart.
  const target = spec[spec.indexOf('-j') + 1] ?? ''
  const maySay = (text: string): boolean => target === 'CT' || target === 'NOTRACK' || text.includes(target)
  let inside = false
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('*')) inside = line.slice(1).trim() === table
    const words = inside ? /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line) : null
    if (words?.[1] !== chain) continue
    const text = words[2] ?? ''
    const same = maySay(text) && isSameRule(splitWords(text), spec, family)
    found.push({ at, position: found.length + 1, same })
  }
  return found
}

function addTo(source: RulesetSource, rule: RuleState): RulesetSource {
  const lines = linesOf(source.text)
  const start = lines.findIndex(line => line.startsWith('*') && line.slice(1).trim() === rule.table)
  const line = `-A ${rule.chain} ${joinWords(rule.spec)}`
  if (start === -1) return { ...source, text: `${source.text}*${rule.table}\n${line}\nCOMMIT\n` }
  const commit = lines.findIndex((text, at) => at > start && text.startsWith('COMMIT'))
  const there = rulesOf(lines, rule)
  const next = rule.position === null ? undefined : there[rule.position - 1]
  return { ...source, text: lines.toSpliced(next?.at ?? commit, 0, line).join('\n') }
}

function takeFrom(source: RulesetSource, rule: RuleState): RulesetSource {
  const lines = linesOf(source.text)
  const found = rulesOf(lines, rule).filter(({ same }) => same)[(rule.copy ?? 1) - 1]
  return found ? { ...source, text: lines.toSpliced(found.at, 1).join('\n') } : source
}
