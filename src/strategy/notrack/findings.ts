/** Rules of others that untrack half of a flow, or let in more than their makers meant: said, never touched. */
import type { Facts } from '../../facts/facts.ts'
import type { Ruleset } from '../../firewall/ruleset.ts'
import { blanketUntracked } from './blanket.ts'
import { oneWayNotrack } from './one-way.ts'

/** One sentence each. `stripped`: the rules without ours. */
export function findings(stripped: Ruleset, { forwarding }: Pick<Facts, 'forwarding'>): string[] {
  return [...oneWayNotrack(stripped, { 4: forwarding.ipv4, 6: forwarding.ipv6 }), ...blanketUntracked(stripped)]
}
