/** The kernel counts far more entries than there are to list: something holds on to dead ones. */
import { formatCount } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'

/** Entries come and go while they are counted, and dying ones are counted but not listed. */
const LEAST_LOST = 1000
const TIMES = 2

export const leak: Rule = ({ census }) => {
  if (!census || census.cut !== null || census.count === null) return null
  // A tool that was refused lists nothing, too.
  if (census.rows === 0 && census.source === 'netlink') return null
  const lost = census.count - census.rows
  if (lost < LEAST_LOST || census.count < TIMES * census.rows) return null
  return {
    code: 'entries-leak',
    severity: 'critical',
    title: `the kernel counts ${formatCount(census.count)} entries and lists ${formatCount(census.rows)}: ${formatCount(lost)} are dead and not let go`,
    evidence: ['rows were read first and the count after, so that what has expired is not among them'],
    remedy:
      'raising the limit only puts it off: look for what holds packets (PF_RING, a listener of conntrack events that hangs, a queue), and boot when it is found',
    cure: 'none-helps',
  }
}
