/** untrigger: the last rules that ask for tracking go, and the kernel stops by itself; built in or not, nothing is unloaded. */
import type { NftRuleChange, RuleChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { nftRuleTarget } from '../../firewall/own.ts'
import { ruleTarget } from '../../firewall/rule-state.ts'
import { type Blocker, type Draft, defineStrategy } from '../strategy.ts'
import { hostBlockers, ruleBlockers } from './blockers.ts'
import { viewsOf } from './chains.ts'
import { type Choice, choose, type Judged } from './choose.ts'
import { entriesChange, entriesWarning } from './entries.ts'
import { evidenceOf, unseen } from './evidence.ts'
import { keepOut } from './keep.ts'
import { type Name, readName } from './names.ts'
import { type Options, options } from './options.ts'
import { elsewhere, idle, listing, missed, remaining, unread } from './tell.ts'

export const untrigger = defineStrategy<Options>({
  name: 'untrigger',
  summary: 'tracking ends, without unloading anything: the stray rules that ask for it go, live and over a reboot',
  needs: { states: false, ruleset: true, tracking: true },
  // Entries that are there leave when their time is over.
  relief: 'later',
  options,
  plan,
})

const NOT_LOADED = 'conntrack is not loaded: nothing is tracked here'

function plan(wanted: Options, facts: Facts): Draft {
  const nothing = (warnings: readonly string[], blockers: readonly Blocker[] = []): Draft => ({
    ...{ changes: [], warnings, blockers, settled: settle(wanted, []) },
  })
  const isAsked = wanted.rules.length > 0 || wanted.stray
  // What is named may stand in a file all the same, and would be back after a boot.
  if (facts.family === null && wanted.rules.length === 0) return nothing([NOT_LOADED])
  const unfit = hostBlockers(facts)
  const { ruleset } = facts
  if (unfit.length > 0 || ruleset === null) {
    const why = unfit.map(({ message }) => message).join('; ')
    return { ...nothing([], unfit), ...(isAsked ? { evidence: unseen(why) } : {}) }
  }

  const choice = choose(wanted, facts, ruleset)
  if (!isAsked) return nothing([...listing(choice), ...elsewhere(facts), ...unread(facts)])
  const names = namesOf(wanted, choice)
  const live = choice.taken.toReversed().flatMap(liveChange)
  const kept = keepOut(facts, names, choice)
  const entries = wanted.entries ? entriesChange(choice, facts) : null
  return {
    changes: [...live, ...kept.changes, ...(entries ? [entries] : [])],
    warnings: [
      ...(facts.family === null ? [NOT_LOADED] : []),
      ...(wanted.stray ? idle(choice) : []),
      ...missed(choice, viewsOf(ruleset)),
      ...remaining(choice),
      ...elsewhere(facts),
      ...(entries ? [] : entriesWarning(choice, facts, wanted.entries)),
    ],
    blockers: [...ruleBlockers(choice, facts), ...kept.blockers],
    settled: settle(wanted, names),
    evidence: evidenceOf(choice, familiesOf(wanted, names), facts),
  }
}

/** What was given, and what was found stray besides. */
function namesOf({ rules }: Options, { taken }: Choice): Name[] {
  const found = taken.flatMap(({ trigger }) => readName(trigger.name) ?? [])
  return [...rules, ...found.filter(({ key }) => !rules.some(name => name.key === key))]
}

function settle({ rules, entries }: Options, names: readonly Name[]): Draft['settled'] {
  const texts = [...rules, ...names].map(({ text }) => text)
  return { rules: [...new Set(texts)], stray: false, entries }
}

function familiesOf({ stray }: Options, names: readonly Name[]): readonly Family[] {
  const asked = ([4, 6] as const).filter(family => names.some(({ families }) => families.includes(family)))
  return stray && asked.length === 0 ? [4, 6] : asked
}

function liveChange({ trigger, stray }: Judged): (RuleChange | NftRuleChange)[] {
  const { rule } = trigger
  if (rule === null) return []
  const why = stray === null ? 'it asks for tracking, and is to go' : `it asks for tracking, and is stray: ${stray}`
  const about = { layer: 'runtime', after: null, why } as const
  return 'spec' in rule
    ? [{ ...about, kind: 'rule', target: ruleTarget(rule), before: rule }]
    : [{ ...about, kind: 'nft-rule', target: nftRuleTarget(rule), before: rule }]
}
