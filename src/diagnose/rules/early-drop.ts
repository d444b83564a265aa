/** The table is full in silence: entries without an answer are thrown out to make room, and nothing is logged. */
import { formatMany } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'
import { droppedUnsaid, fillText, isFull, isOften, linesAreOurs, rise, riseTexts, total } from '../pressure.ts'

/** Fewer, and not at this moment, are a burst that nobody noticed. */
const LEAST_SINCE_BOOT = 100

export const earlyDrop: Rule = facts => {
  const thrownOut = total(facts, 'early_drop')
  if (thrownOut === 0 || isFull(facts)) return null
  const now = rise(facts, 'early_drop') > 0
  if (!now && (thrownOut < LEAST_SINCE_BOOT || linesAreOurs(facts) || droppedUnsaid(facts) > 0)) return null
  const isMuch = now || isOften(facts, thrownOut)
  return {
    code: 'early-drop',
    severity: now ? 'critical' : isMuch ? 'warning' : 'notice',
    title: `the table ${now ? 'overflows' : 'overflowed'} in silence: ${formatMany(thrownOut, 'entry was', 'entries were')} thrown out to make room, and no line was logged`,
    evidence: [...riseTexts(facts, 'early_drop', 'drop'), `now ${fillText(facts)}`],
    remedy: 'raise the limit; who fills it may be a scan or a flood: entries that nobody answered go first',
    ...(isMuch ? { cure: 'room' as const } : {}),
  }
}
