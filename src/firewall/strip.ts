/** The live rules as they would be without ours: so that a decision comes out the same before and after it was carried out. */
import type { RulesetSource, RulesetText } from '../facts/facts.ts'
import { isRecord } from '../lang/record.ts'
import { linesOf } from './iptables-save.ts'
import { isOwnObject, objectsOf } from './own-ruleset.ts'

/** Names of our chains begin so, in every table. */
export const OWN_CHAINS = 'CTFIX-'
/** What says of a rule in a chain of others that it is ours. */
export const OWN_COMMENT = 'ctfix'

/** Takes out our chains, the jumps to them, our table and our rules. */
export function stripOwn(ruleset: RulesetText): RulesetText {
  const without = (source: RulesetSource): RulesetSource => {
    const text = stripped(source)
    return text === source.text ? source : { ...source, text }
  }
  return { ...ruleset, sources: ruleset.sources.map(without) }
}

function stripped({ format, text }: RulesetSource): string {
  if (format === 'save') return stripSave(text)
  if (format !== 'json') return text
  const kept = objectsOf(text).filter(object => !isOwnObject(object) && !isOwnRule(object.rule))
  return JSON.stringify({ nftables: kept })
}

const isOwnRule = (rule: unknown): boolean => isRecord(rule) && rule.comment === OWN_COMMENT

/** The lines of a save that are not about our chains. */
export function stripSave(text: string): string {
  if (!text.includes(OWN_CHAINS)) return text
  return linesOf(text)
    .filter(
      line => !new RegExp(`^(:${OWN_CHAINS}|(\\[\\d+:\\d+\\] )?-A (${OWN_CHAINS}|\\S+ -j ${OWN_CHAINS}))`).test(line),
    )
    .join('\n')
}
