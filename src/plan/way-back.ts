/**
 * Changes → the steps that take them back. A step that fails never keeps the next ones from being done, but for those that
 * would shut a door: where a rule did not come back, what let packets in instead stays.
 */
import type { ChainChange, Change, NftRuleChange, RuleChange } from '../change/change.ts'
import { undoScript } from '../change/kinds.ts'
import { readRule } from '../firewall/iptables-rule.ts'
import type { NftRuleState } from '../firewall/own.ts'
import { familyName, type RuleState } from '../firewall/rule-state.ts'
import { type Script, sh } from '../lang/sh.ts'

type OneRule = RuleChange | NftRuleChange

/** Steps in reverse order of the changes; each may be done any number of times. What fails sets `$failed`. */
export function wayBack(changes: readonly Change[]): Script[] {
  const replaced = new Set(changes.filter(isOneRule).flatMap(change => (change.before === null ? placeOf(change) : [])))
  const steps = changes.toReversed().map(change => ({
    undone: undoScript(change),
    loss: lossOf(change),
    door: doorOf(change, replaced),
  }))
  return steps.map(({ undone, loss, door }, i) => {
    const builtOn = loss !== null && steps.slice(i + 1).some(later => isShutBy(later.door, loss))
    const fails = builtOn ? sh`lose ${loss}` : sh`failed=1`
    const mayBeShut = door !== null && steps.slice(0, i).some(earlier => isShutBy(door, earlier.loss))
    return mayBeShut ? sh`is_lost ${door} || ${undone} || ${fails}` : sh`${undone} || ${fails}`
  })
}

function isShutBy(door: string | null, loss: string | null): boolean {
  return door !== null && loss !== null && (door === ANY || loss === ALL || door === loss)
}

/** As `lose` and `is_lost` of rules.sh know them: every chain, and any of them. */
const ALL = 'all'
const ANY = 'any'

function isOneRule(change: Change): change is OneRule {
  return change.kind === 'rule' || change.kind === 'nft-rule'
}

/** The rule a change is about, on whichever side it stands. */
function ruleOf({ before, after, target }: OneRule): RuleState | NftRuleState {
  const rule = before ?? after
  if (!rule) throw new TypeError(`the change of ${target} has no rule in it`)
  return rule
}

/** `iptables-legacy ip filter INPUT`, `nft inet filter input`. */
function placeOf(change: OneRule): string {
  const rule = ruleOf(change)
  const owner = 'spec' in rule ? `${rule.backend} ${familyName(rule.family)}` : `nft ${rule.family}`
  return `${owner} ${rule.table} ${rule.chain}`
}

/**
 * Where nothing may be shut any more once the step of this change failed: the chain of a rule that did not come back. All
 * of them where a firewall did not start, which may have come half its way, and where packets are still not tracked, for
 * then rules in other chains let them in.
 */
function lossOf(change: Change): string | null {
  const comesBack = change.before !== null
  switch (change.kind) {
    case 'service':
      return comesBack ? ALL : null
    case 'nft-table':
      return change.after !== null ? ALL : null
    case 'chain':
      return ruleTable(change) !== 'raw' || change.after !== null ? ALL : null
    case 'rule':
    case 'nft-rule':
      if (ruleTable(change) === 'raw') return comesBack ? null : ALL
      return comesBack ? placeOf(change) : null
    default:
      return null
  }
}

/**
 * The chain in which the step back may shut a door, null where it cannot. Where the plan put rules in place of others the
 * chain then stays as it is, as it was on the way there; where it only took some out, what lets in still comes back.
 */
function doorOf(change: Change, replaced: ReadonlySet<string>): string | null {
  const comesBack = change.before !== null
  switch (change.kind) {
    case 'nft-table':
      return comesBack ? ANY : null
    case 'chain':
      if (ruleTable(change) !== 'raw') return ALL
      return comesBack ? ANY : null
    case 'rule':
    case 'nft-rule': {
      const table = ruleTable(change)
      if (table === 'nat') return null
      if (table === 'raw') return comesBack && !GO_ON.has(verdictOf(change)) ? ANY : null
      if (replaced.has(placeOf(change))) return placeOf(change)
      return comesBack && verdictOf(change) === 'drop' ? placeOf(change) : null
    }
    default:
      return null
  }
}

const ruleTable = ({ before, after }: OneRule | ChainChange): string => (before ?? after)?.table ?? ''

const GO_ON: ReadonlySet<string> = new Set(['continue', 'accept', 'return'])

/** What becomes of a packet, in the words of the walker. */
function verdictOf(change: OneRule): string {
  const rule = ruleOf(change)
  if ('spec' in rule) return readRule(rule.spec).verdict.is
  const text = rule.text.replace(/"[^"]*"/g, '""')
  if (/\bvmap\b/.test(text)) return 'unknown'
  return /(^|\s)(drop|reject)(\s|$)/.test(text) ? 'drop' : 'unknown'
}
