/** The live rules without ours, understood once for all rules that ask. */
import type { Facts, RulesetText } from '../facts/facts.ts'
import { readRuleset } from '../firewall/read.ts'
import type { Ruleset } from '../firewall/ruleset.ts'
import { stripOwn } from '../firewall/strip.ts'

const known = new WeakMap<RulesetText, Ruleset>()
const NONE: Ruleset = { tables: [], complete: false }

/** None where the rules were not read. */
export function rulesOfOthers({ ruleset }: Facts): Ruleset {
  if (ruleset === null) return NONE
  const found = known.get(ruleset) ?? readRuleset(stripOwn(ruleset))
  known.set(ruleset, found)
  return found
}
