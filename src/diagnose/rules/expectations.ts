/** The table of expected connections is full: another table with another limit, though the log line looks alike. */
import { formatDuration } from '../../lang/duration.ts'
import { formatMany, formatTimes } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'
import { agoOf, isLately } from '../pressure.ts'

export const expectations: Rule = facts => {
  const { log, census, earlier } = facts
  const lines = log?.expectationLines ?? 0
  if (lines === 0) return null
  const now = earlier?.log ? lines - (earlier.log.expectationLines ?? 0) : 0
  const ago = now > 0 ? 0 : agoOf(facts, log?.expectationAtSeconds)
  const when = now > 0 ? 'is' : 'was'
  return {
    code: 'expectations-full',
    severity: isLately(ago) ? 'warning' : 'notice',
    title: `the table of expected connections ${when} full, not that of connections: logged ${formatTimes(lines)}`,
    evidence: [
      'the line is "expectation table full", which nf_conntrack_max has nothing to do with',
      ...(now > 0 ? [`${formatTimes(now)} in ${earlier?.secondsBefore} s`] : []),
      ...(now <= 0 && ago !== null ? [`last ${formatDuration(Math.round(ago))} ago`] : []),
      ...(census?.expectations == null
        ? []
        : [`${formatMany(census.expectations, 'connection is', 'connections are')} expected now`]),
    ],
    remedy: 'raise net.netfilter.nf_conntrack_expect_max, or take away the helper (ftp, sip, tftp) that nobody needs',
  }
}
