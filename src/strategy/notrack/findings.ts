/** Rules of others that untrack half of a flow, or let in more than their makers meant: said, never touched. */
import type { PortRange } from '../../firewall/match.ts'
import { describePlace, placeOf, type Rule, type Ruleset } from '../../firewall/ruleset.ts'

interface Found {
  readonly rule: Rule
  readonly where: string
  readonly hook: string
}

/** One sentence each. `stripped`: the rules without ours. */
export function findings(stripped: Ruleset): string[] {
  const untracking = rulesOf(stripped).filter(({ rule }) => rule.verdict.is === 'notrack')
  return [...new Set([...oneWay(untracking), ...blanketAccepts(stripped, untracking)])]
}

/** Rules of base chains, and of chains that only they lead to are left out: nobody nests raw rules. */
function rulesOf({ tables }: Ruleset): Found[] {
  return tables.flatMap(table =>
    [...table.chains.values()].flatMap(({ base, name, rules }) =>
      base === null
        ? []
        : rules.map(rule => ({ rule, hook: base.hook, where: describePlace(placeOf(table, name, rule.line)) })),
    ),
  )
}

/** Requests untracked and answers not, or the other way round: every packet of the tracked half makes an entry of its own. */
function oneWay(untracking: readonly Found[]): string[] {
  const covered = (hook: string, side: 'source' | 'destination', ports: readonly PortRange[]): boolean =>
    untracking.some(
      ({ rule, hook: at }) => at === hook && (portsOf(rule, side) === null || isSame(portsOf(rule, side), ports)),
    )
  return untracking.flatMap(({ rule, hook, where }) => {
    const side = hook === 'prerouting' ? 'destination' : 'source'
    const ports = portsOf(rule, side)
    if (ports === null || (hook !== 'prerouting' && hook !== 'output')) return []
    const other = hook === 'prerouting' ? 'output' : 'prerouting'
    if (covered(other, side === 'destination' ? 'source' : 'destination', ports)) return []
    return [`${where} untracks one direction only: each packet of the other makes half an entry of its own`]
  })
}

/** null when the rule asks for no such port. */
function portsOf({ matches }: Rule, side: 'source' | 'destination'): readonly PortRange[] | null {
  const found = matches.find(({ condition, not }) => condition.is === 'port' && condition.side === side && !not)
  return found?.condition.is === 'port' ? found.condition.ranges : null
}

function isSame(one: readonly PortRange[] | null, other: readonly PortRange[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Whoever chooses that source port is then let in everywhere. */
function blanketAccepts(stripped: Ruleset, untracking: readonly Found[]): string[] {
  const bySource = untracking.find(({ rule, hook }) => hook === 'prerouting' && portsOf(rule, 'source') !== null)
  if (!bySource) return []
  return rulesOf(stripped).flatMap(({ rule, hook, where }) => {
    const [only, ...more] = rule.matches
    const isBlanket =
      hook === 'input' && rule.verdict.is === 'accept' && more.length === 0 && only?.condition.is === 'state'
    if (!isBlanket || only?.condition.is !== 'state' || !only.condition.states.includes('untracked')) return []
    return [
      `${where} lets in everything untracked, and ${bySource.where} untracks by source port: whoever sends from there reaches every port`,
    ]
  })
}
