/** What even root could not read: of a table that nobody saw nothing can be said, and least of all that it is well. */
import type { Facts } from '../../facts/facts.ts'
import type { Rule } from '../finding.ts'
import { isBlind } from '../pressure.ts'

export const unread: Rule = facts => {
  const blind = isBlind(facts)
  // What a plain user may not read is another matter (unseen.ts), but the table itself anybody may.
  const missing = [...(blind ? numbersMissing(facts) : []), ...(facts.root ? placesMissing(facts) : [])]
  if (facts.family === null || missing.length === 0) return null
  return {
    code: 'not-readable',
    severity: blind ? 'warning' : 'notice',
    title: blind
      ? 'nobody can say whether the connection table is full: its count or its limit could not be read'
      : 'not everything could be read: what follows from it may be missing here',
    evidence: missing,
    remedy: 'look on the host itself why they cannot be read; until then nothing found is no proof of health',
  }
}

function numbersMissing({ count, max }: Facts): string[] {
  return [...(count === null ? ['the number of entries'] : []), ...(max === null ? ['the limit'] : [])]
}

function placesMissing({ log, unreadable, census, ownsKernel }: Facts): string[] {
  return [
    // In a container it is the log of another machine.
    ...(log === null && ownsKernel ? ['the kernel log: whether the table was full lately is not known'] : []),
    ...(unreadable.includes('rules') ? ['some of the live rules: what is wrong with them is not known'] : []),
    ...(census === null ? ['the entries: who fills the table could not be counted'] : []),
  ]
}
