/** Live rules about states, replaced one by one: what takes the place of a rule is there before it goes. */
import type { RuleChange } from '../../change/change.ts'
import type { RulesetText } from '../../facts/facts.ts'
import { type RuleState, ruleTarget } from '../../firewall/rule-state.ts'
import { canonicalWords, joinWords } from '../../firewall/words.ts'
import { type Converted, convertRules, type Declared, edited } from './convert.ts'
import { rulesIn, type SavedRule } from './parts.ts'

export interface LiveConversion {
  readonly changes: readonly RuleChange[]
  /** The live rules as these changes leave them. */
  readonly ruleset: RulesetText
  /** Names of rules that have no stateless form, each with the reason. */
  readonly refused: readonly string[]
}

/** The changes of every save of iptables among the live rules. From the end of a chain to its head, so that numbers stay true. */
export function convertLive(ruleset: RulesetText, declared: Declared): LiveConversion {
  const parts = ruleset.sources.map(source => {
    const { backend, family, format, text } = source
    if (format !== 'save' || family === null || backend === 'nft') return { changes: [], refused: [], source }
    const all = rulesIn(text)
    const state = (rule: SavedRule, words: readonly string[], position: number, copy: number): RuleState => ({
      ...{ backend, family, table: rule.table, chain: rule.chain, position },
      ...(copy > 1 ? { copy } : {}),
      spec: words,
    })
    const count = counter(all, family)
    const found = convertRules(text, family, declared)
    const changes = found.toReversed().flatMap(({ rule, outcome }): RuleChange[] => {
      if (outcome.is === 'refused') return []
      const put = outcome.rules.toReversed().map(words => {
        const after = state(rule, words, rule.position, 1)
        return change(null, after, `in place of "${lineOf(rule)}": ${outcome.why}`)
      })
      const place = rule.position + outcome.rules.length
      const before = state(rule, rule.words, place, 1 + count(rule, rule.words, rule.position))
      const why = outcome.rules.length > 0 ? 'the rules before it say the same without a state' : outcome.why
      return [...put, change(before, null, why)]
    })
    const refused = found.flatMap(({ rule, outcome }) =>
      outcome.is === 'refused' ? [`${ruleTarget(state(rule, rule.words, rule.position, 1))}: ${outcome.because}`] : [],
    )
    return { changes, refused, source: { ...source, text: edited(text, found) } }
  })
  return {
    changes: parts.flatMap(({ changes }) => changes),
    ruleset: { ...ruleset, sources: parts.map(({ source }) => source) },
    refused: parts.flatMap(({ refused }) => refused),
  }
}

/** The rule as a save has it. */
export function lineOf({ chain, words }: Converted['rule']): string {
  return `-A ${chain} ${joinWords(words)}`
}

/** Says how many equal rules a chain has before a place. */
function counter(all: readonly SavedRule[], family: 4 | 6) {
  const name = ({ table, chain }: SavedRule, words: readonly string[]): string =>
    joinWords([table, chain, ...canonicalWords(words, family)])
  const places = new Map<string, number[]>()
  for (const rule of all) {
    const key = name(rule, rule.words)
    places.set(key, [...(places.get(key) ?? []), rule.position])
  }
  return (rule: SavedRule, words: readonly string[], until: number): number =>
    (places.get(name(rule, words)) ?? []).filter(position => position < until).length
}

function change(before: RuleState | null, after: RuleState | null, why: string): RuleChange {
  const either = after ?? before
  if (!either) throw new TypeError('a change of no rule')
  return { kind: 'rule', layer: 'runtime', target: ruleTarget(either), before, after, why }
}
