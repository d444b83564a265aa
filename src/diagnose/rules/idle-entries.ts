/** Entries that shorter timeouts would not have kept: what a change of timeouts would free in the long run. */
import { formatDuration } from '../../lang/duration.ts'
import { formatCount, formatShare } from '../../lang/numbers.ts'
import { censusIn, cutText, share, sumOf } from '../census.ts'
import type { Rule } from '../finding.ts'

/** Less is not worth a change. */
const LEAST_SHARE = 0.2
/** In a table that is half empty nobody is in the way. */
const LEAST_USAGE = 0.5

export const idleEntries: Rule = facts => {
  const census = censusIn(facts)
  if (census === null || (facts.usage ?? 0) < LEAST_USAGE) return null
  const idle = share(census, sumOf(census, 'idle'))
  if (idle < LEAST_SHARE) return null
  return {
    code: 'idle-entries',
    severity: 'warning',
    title: `shorter timeouts would free ${formatShare(idle)} of the entries: ${formatCount(sumOf(census, 'idle'))} are idle for longer than they would allow`,
    evidence: [
      ...census.states.flatMap(({ protocol, state, entries, idle: n }) => {
        const seconds = state === null ? undefined : facts.timeouts[`${protocol}_${state.toLowerCase()}`]
        const kept = seconds === undefined ? '' : `, kept for ${formatDuration(seconds)}`
        return n === 0 ? [] : [`${protocol} ${state}: ${formatCount(n)} of ${formatCount(entries)}${kept}`]
      }),
      ...cutText(census),
    ],
    remedy: 'shorter timeouts; entries that are there keep the time they have until their next packet',
    cure: 'shorter',
  }
}
