/** untrigger: the last rules that ask for tracking go, and the kernel stops by itself; built in or not, nothing is unloaded. */
import type { NftRuleChange, RuleChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { nftRuleTarget } from '../../firewall/own.ts'
import { ruleTarget } from '../../firewall/rule-state.ts'
import { type Blocker, type Draft, defineStrategy } from '../strategy.ts'
import { hostBlockers, ruleBlockers } from './blockers.ts'
import { broughtAtBoot, broughtBlockers, broughtWarnings, isSaid } from './brought.ts'
import { viewsOf } from './chains.ts'
import { type Choice, choose, type Judged, missingNames } from './choose.ts'
import { entriesChange, entriesWarning } from './entries.ts'
import { evidenceOf, unnamed, unseen } from './evidence.ts'
import { strayInFiles } from './filed-stray.ts'
import { keepOut } from './keep.ts'
import { type Name, readName } from './names.ts'
import { type Options, options } from './options.ts'
import { elsewhere, idle, listing, missed, remaining, unmatched, unread } from './tell.ts'
import { unfiled } from './unknown.ts'

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
  if (!isAsked) return unasked(nothing, choice, facts)
  const names = namesOf(wanted, choice, wanted.stray ? strayInFiles(facts, ruleset, choice) : [])
  const live = choice.taken.toReversed().flatMap(liveChange)
  const kept = keepOut(facts, names, choice)
  const nowhere = missingNames(wanted.rules, choice).filter(name => !isSaved(name, facts, choice))
  const brought = broughtAtBoot(facts, names, choice).filter(one => !isSaid(one, kept.blockers))
  const families = wanted.stray ? ([4, 6] as const) : familiesOf(wanted, names)
  const entries = wanted.entries ? entriesChange(choice, facts) : null
  return {
    changes: [...live, ...kept.changes, ...(entries ? [entries] : [])],
    warnings: [
      ...remaining(choice, wanted.stray),
      ...(facts.family === null ? [NOT_LOADED] : []),
      ...unmatched(nowhere, choice),
      ...(wanted.stray && nowhere.length === 0 ? idle(choice) : []),
      ...missed(choice, viewsOf(ruleset)),
      ...broughtWarnings(brought, families, choice),
      ...(kept.blockers.length === 0 ? unfiled(facts, choice) : []),
      ...elsewhere(facts),
      ...(entries ? [] : entriesWarning(choice, facts, wanted.entries)),
    ],
    blockers: [...ruleBlockers(choice, facts), ...kept.blockers, ...broughtBlockers(brought, families, choice)],
    settled: settle(wanted, names),
    evidence: evidenceOf(choice, familiesOf(wanted, names), facts),
  }
}

/** Nobody has named anything: what there is, and that nothing is shown to be over. */
function unasked(nothing: (warnings: readonly string[]) => Draft, choice: Choice, facts: Facts): Draft {
  const brought = broughtAtBoot(facts, [], choice)
  const said = brought.length > 0 && choice.left.length === 0 ? [] : listing(choice)
  return {
    ...nothing([...said, ...broughtWarnings(brought, [], choice), ...elsewhere(facts), ...unread(facts)]),
    evidence: unnamed(choice, brought.length),
  }
}

/** True where a file says it, though it is not live. */
function isSaved(name: Name, facts: Facts, choice: Choice): boolean {
  const { changes, blockers } = keepOut(facts, [name], choice)
  return changes.length > 0 || blockers.some(({ message }) => message.includes(name.text))
}

/** What was given, and what was found stray besides, live or in a file. */
function namesOf({ rules }: Options, { taken }: Choice, filed: readonly Name[]): Name[] {
  const found = taken.flatMap(({ trigger }) => readName(trigger.name) ?? [])
  return [...rules, ...[...found, ...filed].filter(({ key }) => !rules.some(name => name.key === key))]
}

/** Where nothing was stray, that is what has to be so again. */
function settle({ rules, stray, entries }: Options, names: readonly Name[]): Draft['settled'] {
  const texts = [...rules, ...names].map(({ text }) => text)
  return { rules: [...new Set(texts)], stray: stray && texts.length === 0, entries }
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
