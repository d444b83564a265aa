/** What would be put into a rule set, for walking packets through it before anything is decided. */
import type { Family } from '../../firewall/address.ts'
import { readRule } from '../../firewall/iptables-rule.ts'
import { readExpressions } from '../../firewall/nft-rule.ts'
import { iptablesWords, type OwnRule, type Spelling } from '../../firewall/own-rule.ts'
import { nftRule } from '../../firewall/own-rule-nft.ts'
import type { Rule, Ruleset, Table } from '../../firewall/ruleset.ts'
import { type Judge, judgesAt, withRulesAt } from '../../firewall/stateful.ts'
import { joinWords } from '../../firewall/words.ts'
import type { Home } from './home.ts'
import type { FlowRules } from './rules.ts'

/** Our rules of one family. */
export type Sketch = FlowRules

/** The kernel's own number of the raw table: before tracking, which stands at -200. */
const RAW = -300

/** The rule set with the sketch in it: the very rules that would be loaded, read as those of others are. */
export function withSketch(ruleset: Ruleset, home: Home, sketch: Sketch, spelling: Spelling): Ruleset {
  const rules = (own: readonly OwnRule[]): Rule[] => own.flatMap(rule => asRules(rule, home, spelling))
  const raw = rawTable(spelling.family, rules(sketch.pre), rules(sketch.out))
  let then: Ruleset = { ...ruleset, tables: [...ruleset.tables, raw] }
  for (const [hook, own] of [['input', sketch.acceptIn] as const, ['output', sketch.acceptOut] as const]) {
    if (own.length === 0) continue
    for (const judge of homesOf(then, hook, home, spelling.family)) then = withRulesAt(then, judge, rules(own))
  }
  return then
}

/** The chains an accept of ours can stand in: those of the filter that judge by state, in the family, where we write. */
export function homesOf(ruleset: Ruleset, hook: 'input' | 'output', home: Home, family: Family): Judge[] {
  const families = [family === 4 ? 'ip' : 'ip6', ...(home.by === 'nft' ? ['inet'] : [])]
  return judgesAt(ruleset, hook).flatMap(judge => {
    const { table } = judge
    if (!families.includes(table.family)) return []
    if (home.by === 'iptables') return table.backend === home.backend && table.name === 'filter' ? [judge] : []
    // In somebody else's chain we stand at the head: a number would be another one when its file is loaded anew.
    return table.backend === 'nft' && home.keeper === 'included' ? [{ ...judge, at: 0 }] : []
  })
}

function asRules(own: OwnRule, home: Home, spelling: Spelling): Rule[] {
  return home.by === 'nft'
    ? readExpressions(nftRule(own, spelling.family).expr)
    : iptablesWords(own, spelling).map(words => ({ line: joinWords(words), ...readRule(words) }))
}

function rawTable(family: Family, pre: readonly Rule[], out: readonly Rule[]): Table {
  const base = { type: 'filter', priority: RAW, policy: 'accept' } as const
  return {
    backend: 'nft',
    family: family === 4 ? 'ip' : 'ip6',
    name: 'ctfix',
    chains: new Map([
      ['pre', { name: 'pre', base: { ...base, hook: 'prerouting' }, rules: pre }],
      ['out', { name: 'out', base: { ...base, hook: 'output' }, rules: out }],
    ]),
  }
}
