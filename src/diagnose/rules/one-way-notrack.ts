/** Requests are untracked and answers are not, or the other way round: the table fills with half entries. */
import { formatCount } from '../../lang/numbers.ts'
import { oneWayNotrack } from '../../strategy/notrack/one-way.ts'
import type { Rule } from '../finding.ts'
import { rulesOfOthers } from '../rules-of-others.ts'

export const oneWay: Rule = facts => {
  const { ipv4, ipv6 } = facts.forwarding
  const found = oneWayNotrack(rulesOfOthers(facts), { 4: ipv4, 6: ipv6 })
  if (found.length === 0) return null
  const half = facts.census?.half ?? []
  return {
    code: 'one-way-notrack',
    severity: 'warning',
    title: 'NOTRACK covers one direction only: answers are taken for beginnings, and the table fills with half entries',
    evidence: [
      ...found,
      ...half
        .slice(0, 3)
        .map(
          ({ port, entries }) => `${formatCount(entries)} half entries begin at port ${port} and were never answered`,
        ),
    ],
    remedy: 'untrack both directions, in PREROUTING and in OUTPUT: strategy notrack does that for given ports',
  }
}
