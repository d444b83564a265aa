/** Entries that could not be inserted though there was room: as a rule two packets of one request that raced. */
import { formatMany } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'
import { isFull, rise, riseTexts, total } from '../pressure.ts'

/** Fewer are everyday life of a resolver: since boot, and in a second. */
const LEAST_SINCE_BOOT = 10_000
const LEAST_A_SECOND = 1

export const insertFailed: Rule = facts => {
  // A chain that is too long counts in both.
  const rising = rise(facts, 'insert_failed') - rise(facts, 'chainlength')
  const failed = total(facts, 'insert_failed') - total(facts, 'chainlength')
  const isMuch = rising > 0 && rising / (facts.earlier?.secondsBefore || 1) >= LEAST_A_SECOND
  if (isFull(facts) || (!isMuch && failed < LEAST_SINCE_BOOT)) return null
  return {
    code: 'insert-failed',
    severity: isMuch ? 'warning' : 'notice',
    title: `packets were lost in silence: ${formatMany(failed, 'entry', 'entries')} could not be inserted, though the table had room`,
    evidence: [...riseTexts(facts, 'insert_failed'), 'nothing of it is logged'],
    remedy:
      'no cure of the table: as a rule two packets from one socket race, as of DNS clients that ask for A and AAAA at once (single-request-reopen in resolv.conf), or a source port is taken on a NAT gateway',
  }
}
