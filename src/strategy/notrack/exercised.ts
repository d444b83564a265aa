/** Whether any packet has met our rules: without one, nothing that was seen says anything. */
import type { Facts, RulesetSource } from '../../facts/facts.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import { formatCount } from '../../lang/numbers.ts'
import { isRecord } from '../../lang/record.ts'
import type { Evidence } from '../strategy.ts'

/** Packets that our rules before tracking have counted since they were loaded; errors about flows are none of the flows. */
export function exercised({ ruleset }: Facts): Evidence {
  const name = 'flows-exercised'
  const when = 'always'
  if (!ruleset) return { name, when, status: 'unknown', detail: 'the rules could not be read' }
  const packets = ruleset.sources.reduce((sum, source) => sum + packetsIn(source), 0)
  return packets > 0
    ? { name, when, status: 'pass', detail: `${formatCount(packets)} packets met the rules` }
    : { name, when, status: 'unknown', detail: 'no traffic of these flows was seen' }
}

function packetsIn({ format, text }: RulesetSource): number {
  if (format === 'json') {
    return objectsOf(text).reduce(
      (sum, { rule }) =>
        sum + (isRecord(rule) && rule.table === 'ctfix' && !isAboutErrors(rule.expr) ? counted(rule.expr) : 0),
      0,
    )
  }
  return [
    ...text.matchAll(/^\[(\d+):\d+\] -A CTFIX-(?:PRE|OUT) (?!.*-p (?:ipv6-)?icmp).*(?:--notrack|NOTRACK)/gm),
  ].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

function isAboutErrors(expressions: unknown): boolean {
  return /"protocol":"icmp(v6)?"/.test(JSON.stringify(expressions) ?? '')
}

function counted(expressions: unknown): number {
  if (!Array.isArray(expressions)) return 0
  const counter = expressions.map(expression => (isRecord(expression) ? expression.counter : null)).find(isRecord)
  return typeof counter?.packets === 'number' ? counter.packets : 0
}
