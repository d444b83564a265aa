/** Facts for people: a table. */
import type { Facts } from '../facts/facts.ts'
import { formatCount, formatShare } from '../lang/numbers.ts'
import type { Outcome } from '../run/status.ts'
import { line, recapLines } from './human.ts'
import type { Paint } from './paint.ts'
import { table } from './table.ts'

/** One row a host; a host without facts says why. */
export function factsText(outcomes: readonly Outcome[], paint: Paint): string {
  const seen = outcomes.filter(({ facts }) => facts !== null)
  const head = ['HOST', 'KERNEL', 'CONNTRACK', 'COUNT / MAX', 'BUCKETS', 'DROPS', 'LOGGED', 'NAT', 'FIREWALL']
  const rows = seen.map(({ host, facts }) => (facts ? [host, ...factCells(facts)] : []))
  const trouble = recapLines(
    outcomes.filter(({ facts }) => facts === null),
    paint,
  )
  const grid = rows.length > 0 ? table([head, ...rows]) : []
  return `${[...grid.map((row, i) => (i === 0 ? paint.dim(row) : row)), ...trouble].join('\n')}\n`
}

function factCells(facts: Facts): string[] {
  const number = (value: number | null): string => (value === null ? '?' : formatCount(value))
  const counters = facts.stats?.counters
  const drops = counters ? formatCount((counters.drop ?? 0) + (counters.early_drop ?? 0)) : '?'
  const usage = facts.usage === null ? '' : ` (${formatShare(facts.usage)})`
  return [
    line(facts.kernel),
    facts.family === null ? facts.providedBy : `${facts.family}${facts.providedBy === 'builtin' ? ' (built in)' : ''}`,
    facts.family === null ? '-' : `${number(facts.count)} / ${number(facts.max)}${usage}`,
    number(facts.buckets),
    drops,
    facts.log === null ? '?' : formatCount(facts.log.lines),
    facts.nat.inUse ? 'yes' : 'no',
    facts.firewall.owner,
  ]
}
