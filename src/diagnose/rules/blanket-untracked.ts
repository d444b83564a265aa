/** Everything untracked is let in, and packets become untracked by the port they come from, which anybody can choose. */
import { blanketUntracked } from '../../strategy/notrack/blanket.ts'
import type { Rule } from '../finding.ts'
import { rulesOfOthers } from '../rules-of-others.ts'

export const blanket: Rule = facts => {
  const found = blanketUntracked(rulesOfOthers(facts))
  if (found.length === 0) return null
  return {
    code: 'blanket-untracked',
    severity: 'critical',
    title: 'anybody reaches every port of this host: what is untracked is let in, whatever port it goes to',
    evidence: found,
    remedy: 'let in untracked packets of the very ports that are untracked, and no others: strategy notrack does that',
  }
}
