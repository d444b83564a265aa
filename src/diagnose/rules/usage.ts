/** Little room is left, or it is being used up fast. */
import { formatDuration } from '../../lang/duration.ts'
import { formatShare } from '../../lang/numbers.ts'
import { PRESSURE } from '../../strategy/sizing.ts'
import type { Rule } from '../finding.ts'
import { fillText, isFull, isGrowing, secondsToFull } from '../pressure.ts'

const SOON_SECONDS = 600
const FORESEEN_SECONDS = 3600

export const nearlyFull: Rule = facts => {
  const { usage } = facts
  if (usage === null || isFull(facts)) return null
  const seconds = isGrowing(facts) ? secondsToFull(facts) : null
  const within = (limit: number): boolean => seconds !== null && seconds < limit
  // A table that just filled up from nothing has room for both.
  if (usage < PRESSURE && !(usage >= PRESSURE / 2 && within(FORESEEN_SECONDS))) return null
  const when = seconds === null ? '' : `, and full in ${formatDuration(Math.ceil(seconds))} at the rate observed`
  return {
    code: 'nearly-full',
    severity: usage >= PRESSURE && within(SOON_SECONDS) ? 'critical' : 'warning',
    title: `the connection table is ${formatShare(usage)} full${when}`,
    evidence: [fillText(facts)],
    remedy: 'raise the limit before it is reached',
    cure: 'room',
  }
}
