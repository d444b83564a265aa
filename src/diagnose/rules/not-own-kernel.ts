/** A container or namespace with a full table: its limit is the machine's. */
import type { Rule } from '../finding.ts'
import { fillText, isStrained } from '../pressure.ts'

export const notOwnKernel: Rule = facts => {
  if (facts.ownsKernel || !isStrained(facts)) return null
  return {
    code: 'not-own-kernel',
    severity: 'warning',
    title: `the limit is not this host's to raise: it does not own its kernel (${facts.container ?? 'limits are read-only'})`,
    evidence: [fillText(facts)],
    remedy: 'raise it on the machine that runs this one',
    cure: 'none-helps',
  }
}
