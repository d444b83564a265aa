/** The table was full lately: the kernel log, or a counter of this table, says so. */
import type { Facts } from '../../facts/facts.ts'
import { formatDuration } from '../../lang/duration.ts'
import { formatCount, formatMany, formatTimes } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'
import { agoOf, droppedUnsaid, fillText, isFull, isLately, isOften, linesAreOurs, total } from '../pressure.ts'

export const tableWasFull: Rule = facts => {
  const unsaid = droppedUnsaid(facts)
  if (isFull(facts) || (unsaid === 0 && !linesAreOurs(facts))) return null
  const lately = unsaid > 0 ? isOften(facts, unsaid) : isLately(agoOf(facts, facts.log?.lastAtSeconds))
  return {
    code: 'table-was-full',
    severity: lately ? 'warning' : 'notice',
    title: unsaid > 0 ? unsaidText(facts, unsaid) : saidText(facts),
    evidence: [
      `now ${fillText(facts)}`,
      ...(['drop', 'early_drop'] as const).flatMap(counter =>
        total(facts, counter) > 0 ? [`counter ${counter}: ${formatCount(total(facts, counter))}`] : [],
      ),
      unsaid > 0
        ? 'when that was the counters do not say; fewer than that could not be inserted, so it was no race of packets'
        : 'the kernel limits such lines: there were more packets than lines',
    ],
    remedy: 'raise the limit before the next peak',
    ...(lately ? { cure: 'room' as const } : {}),
  }
}

function saidText(facts: Facts): string {
  const { log } = facts
  const ago = agoOf(facts, log?.lastAtSeconds)
  const unknown = log?.source === 'file' ? 'at some time' : 'since boot'
  const when = ago === null ? unknown : `${formatDuration(Math.round(ago))} ago`
  return `the connection table was full ${when}: the kernel logged it ${formatTimes(log?.lines ?? 0)}`
}

function unsaidText({ log }: Facts, dropped: number): string {
  const why = log === null ? 'the log cannot be read' : 'no line of the log is left of it'
  return `the connection table was full since boot: ${formatMany(dropped, 'packet was', 'packets were')} dropped, and ${why}`
}
