/** The table is full at this moment, and packets of new connections are dropped. */
import { formatMany, formatTimes } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'
import { fillText, isFull, newLines, riseTexts, total } from '../pressure.ts'

export const tableFull: Rule = facts => {
  if (!isFull(facts)) return null
  const lines = newLines(facts)
  const dropped = total(facts, 'drop')
  const evidence = [
    ...riseTexts(facts, 'drop', 'early_drop'),
    ...(lines > 0 ? [`the kernel logged "table full" ${formatTimes(lines)} in ${facts.earlier?.secondsBefore} s`] : []),
    ...(dropped > 0 ? [`${formatMany(dropped, 'packet', 'packets')} dropped since the counters began`] : []),
  ]
  return {
    code: 'table-full',
    severity: 'critical',
    title: `the connection table is full: ${fillText(facts)}`,
    evidence: evidence.length > 0 ? evidence : ['there are as many entries as the limit allows'],
    remedy: 'raise the limit: that is at once, drops nothing, and can be taken back; then see what fills it',
    cure: 'room',
  }
}
