/** Results for people: facts as a table, plans as a diff, a recap with the problems last. */
import type { Change } from '../change/change.ts'
import type { Facts } from '../facts/facts.ts'
import { formatCount, formatShare } from '../lang/numbers.ts'
import { plain } from '../lang/text.ts'
import { diffLines } from '../plan/diff.ts'
import { ofLayer } from '../plan/plan.ts'
import type { Check } from '../run/checks.ts'
import { type Outcome, STATUSES } from '../run/status.ts'
import type { Paint } from './paint.ts'
import { table } from './table.ts'

/** Text of a host in a line of ours: a line break of its own would let it pretend to be another host's. */
function line(text: string): string {
  return plain(text).replace(/\s+/g, ' ')
}

/** One row a host; a host without facts says why. */
export function factsText(outcomes: readonly Outcome[], paint: Paint): string {
  const seen = outcomes.filter(({ facts }) => facts !== null)
  const head = ['HOST', 'KERNEL', 'CONNTRACK', 'COUNT / MAX', 'BUCKETS', 'DROPS', 'LOGGED', 'NAT', 'FIREWALL']
  const rows = seen.map(({ host, facts }) => (facts ? [host, ...factCells(facts)] : []))
  const trouble = outcomes.filter(({ facts }) => facts === null).map(outcome => outcomeLine(outcome, paint))
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

/** The diff of every host that has one, and what stands against it. */
export function plansText(outcomes: readonly Outcome[], paint: Paint): string {
  return outcomes.flatMap(outcome => planLines(outcome, paint)).join('\n')
}

function planLines(outcome: Outcome, paint: Paint): string[] {
  const { host, plan } = outcome
  if (plan === null) return [outcomeLine(outcome, paint), '']
  const notes = [
    ...plan.warnings.map(warning => `  ${paint.yellow('warning')} ${line(warning)}`),
    ...plan.forced.map(({ code, message }) => `  ${paint.yellow(`forced past ${code}`)} ${line(message)}`),
    ...plan.blockers.flatMap(({ code, message }) => blockLines(`${paint.red(`blocked: ${code}`)}`, message)),
  ]
  if (plan.changes.length === 0) {
    return [`${paint.bold(host)}  ${plan.blockers.length > 0 ? 'declined' : 'nothing to do'}`, ...notes, '']
  }
  const head = `${paint.bold(host)}  ${amount(plan.changes)}`
  return [head, ...diffLines(plan).map(text => `  ${paint.diff(text)}`), ...notes, '']
}

/** The lines after the first one, as those of a diff, stand below it; each of them is further in than any of ours. */
function blockLines(head: string, message: string): string[] {
  const [first = '', ...rest] = message.split('\n')
  return [`  ${head} ${line(first)}`, ...rest.map(text => `      ${plain(text)}`.trimEnd())]
}

/** `2 live changes, 3 files`: what is gone after a reboot, what boot reads, and what does not come back. */
function amount(changes: readonly Change[]): string {
  const boot = ofLayer(changes, 'persistent')
  const files = boot.filter(({ kind }) => kind === 'file').length
  const parts = [
    [ofLayer(changes, 'runtime').length, 'live change'],
    [files, 'file'],
    [boot.length - files, 'step for boot'],
  ] as const
  const words = parts.flatMap(([n, what]) => (n === 0 ? [] : [`${n} ${what}${n === 1 ? '' : 's'}`]))
  return [...words, ...(ofLayer(changes, 'final').length > 0 ? ['live entries'] : [])].join(', ')
}

/** What came of it: checks of the hosts that were worked on, one line a host with problems last, then the counts. */
export function recapText(outcomes: readonly Outcome[], paint: Paint): string {
  const ordered = STATUSES.flatMap(status => outcomes.filter(outcome => outcome.status === status))
  const lines = ordered.flatMap(outcome => [
    outcomeLine(outcome, paint),
    ...outcome.checks.map(check => `    ${checkLine(check, paint)}`),
  ])
  const counts = STATUSES.flatMap(status => {
    const n = outcomes.filter(outcome => outcome.status === status).length
    return n === 0 ? [] : [`${status} ${n}`]
  })
  return `${[...lines, `${paint.bold('recap')}  targeted ${outcomes.length}  ${counts.join('  ')}`].join('\n')}\n`
}

/** Host, status, and its error where there is one. */
export function outcomeLine({ host, status, error }: Outcome, paint: Paint): string {
  const reason = error === null ? '' : `  ${line(error.message)}`
  const hint = error?.hint ? `\n    try: ${line(error.hint)}` : ''
  return `${paint.bold(host)}  ${paint.status(status)}${reason}${hint}`
}

function checkLine({ name, status, detail }: Check, paint: Paint): string {
  const mark = { pass: paint.green('pass'), fail: paint.red('FAIL'), unknown: paint.yellow('unknown') }[status]
  return `${mark} ${name}: ${line(detail)}`
}
