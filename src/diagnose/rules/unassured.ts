/** Most entries of a table with little room were never answered: room is not what is missing. */
import { formatShare } from '../../lang/numbers.ts'
import { censusIn, cutText, share, sumOf } from '../census.ts'
import type { Rule } from '../finding.ts'
import { isStrained } from '../pressure.ts'

const MOST = 0.5

export const unassured: Rule = facts => {
  const census = censusIn(facts)
  if (census === null || !isStrained(facts)) return null
  const alone = share(census, sumOf(census, 'unreplied'))
  if (alone < MOST) return null
  const assured = share(census, sumOf(census, 'assured'))
  return {
    code: 'mostly-unreplied',
    severity: 'warning',
    title: `${formatShare(alone)} of the entries were never answered, and only ${formatShare(assured)} are assured: a scan, a flood, or answers that go another way`,
    evidence: [
      'entries that are not assured are thrown out first when the table is full, so established connections live on',
      ...cutText(census),
    ],
    remedy: 'look at who sends them before the limit is raised: a larger table only takes longer to fill',
  }
}
