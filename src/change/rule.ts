/** Firewall rules that iptables made, live: how they are checked, added, taken out and shown. */
import type { RuleState } from '../firewall/rule-state.ts'
import { type Script, sh } from '../lang/sh.ts'
import { invert, type RuleChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

/** The words by which every function of rules.sh is told which rule is meant. */
function words({ backend, family, table, chain, copy = 1, position, spec }: RuleState): readonly string[] {
  return [backend, String(family), table, chain, String(copy), position === null ? 'end' : String(position), ...spec]
}

/** The state a change is about, on whichever side it stands. */
function either({ before, after, target }: RuleChange): RuleState {
  const rule = before ?? after
  if (!rule) throw new TypeError(`the change of ${target} has no rule in it`)
  return rule
}

/** Exits as stale unless the rule is still there, or still is not. Its place may have moved. */
export function expect(change: RuleChange): Script {
  const rule = either(change)
  return change.before === null ? sh`expect_no_rule ${words(rule)}` : sh`expect_rule ${words(rule)}`
}

/** Adds the rule, or takes it out; one that is there or gone already is well, too. */
export function render(change: RuleChange): Script {
  const rule = either(change)
  return change.after === null ? sh`take_rule ${words(rule)}` : sh`put_rule ${words(rule)}`
}

/** The other way round: a rule of ours goes if it is still there, one that we took comes back to its place. */
export function renderUndo(change: RuleChange): Script {
  return render(invert(change))
}

/** Prints whether it is there, and where. */
export function look(change: RuleChange): Script {
  return sh`show_rule ${words(either(change))}`
}

/** Reads what `look` printed. Throws LookError. */
export function parse(change: RuleChange, text: string): Looked<RuleState> {
  if (/^absent\n?$/.test(text)) return { state: null }
  const position = /^present ([1-9]\d*)\n?$/.exec(text)?.[1]
  if (position !== undefined) return { state: { ...either(change), position: Number(position) } }
  const refused = unreadable(text)
  if (!refused) throw notALook(change.target, text)
  return refused
}

/** One line for the diff, as one would type it. */
export function describe(change: RuleChange): string {
  const rule = either(change)
  if (change.after === null) return `- ${command(rule, '-D')}`
  return `+ ${command(rule, rule.position === null ? '-A' : '-I')}`
}

function command({ backend, family, table, chain, position, spec }: RuleState, verb: '-A' | '-D' | '-I'): string {
  const tool = family === 4 ? backend : `ip6${backend.slice(2)}`
  const at = verb === '-I' ? [chain, String(position)] : [chain]
  return sh`${[tool, '-t', table, verb, ...at, ...spec]}`.text
}
