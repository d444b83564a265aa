/** Kernels from 5.15 on refuse an entry when its hash chain is too long, without a line in the log. */
import { formatCount, formatTimes } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'
import { fillText, isOften, rise, riseTexts, total } from '../pressure.ts'

export const longChains: Rule = facts => {
  const { buckets, max } = facts
  const refused = total(facts, 'chainlength')
  if (refused === 0) return null
  const now = rise(facts, 'chainlength') > 0
  // What was counted before somebody gave it a bucket for each entry is over.
  const isOver = !now && buckets !== null && max !== null && buckets >= max
  const isMuch = now || (!isOver && isOften(facts, refused))
  return {
    code: 'long-chains',
    severity: now ? 'critical' : isMuch ? 'warning' : 'notice',
    title: `connections ${now ? 'are' : 'were'} refused in silence: ${formatTimes(refused)} a hash chain was too long`,
    evidence: [
      ...riseTexts(facts, 'chainlength'),
      `${buckets === null ? '' : `${formatCount(buckets)} buckets; `}${fillText(facts)}`,
      'nothing of it is logged',
    ],
    remedy: isOver
      ? 'none now: there is a bucket for each entry'
      : 'more buckets: one for each entry that the table may hold',
    ...(isMuch ? { cure: 'room' as const } : {}),
  }
}
