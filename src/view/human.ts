/** Results for people: a recap with the problems last. What is the same on many hosts is said once. */
import { formatCount } from '../lang/numbers.ts'
import { plain } from '../lang/text.ts'
import type { Check } from '../run/checks.ts'
import { type Outcome, STATUSES } from '../run/status.ts'
import { errorKey } from './alike.ts'
import { type Fold, foldBy, masked, shape, together } from './fold.ts'
import { hostRange } from './hostrange.ts'
import type { Paint } from './paint.ts'

/** Why a run went no further, and which hosts it did not come to. */
export interface Stopped {
  readonly reason: string
  readonly notAttempted: readonly string[]
}

/** Text of a host in a line of ours: a line break of its own would let it pretend to be another host's. */
export function line(text: string): string {
  return plain(text).replace(/\s+/g, ' ')
}

/** `3 hosts` */
export function hostCount(n: number): string {
  return `${formatCount(n)} host${n === 1 ? '' : 's'}`
}

/** Of a longer range only the number stands in front; the range has a line of its own. */
const SHORT_RANGE = 40

/** `web-[001-300]  text  (300 hosts)`, or `300 hosts  text` with the hosts below. */
export function headed({ outcomes }: Fold, text: string, paint: Paint): string[] {
  const range = line(hostRange(outcomes.map(({ host }) => host)))
  const many = hostCount(outcomes.length)
  if (outcomes.length === 1) return [`${paint.bold(range)}  ${text}`]
  if (range.length <= SHORT_RANGE) return [`${paint.bold(range)}  ${text}  (${many})`]
  return [`${paint.bold(many)}  ${text}`, `    ${range}`]
}

/** What came of it: problems last, the worst at the very end, then why it stopped, then the counts. */
export function recapText(outcomes: readonly Outcome[], paint: Paint, stopped?: Stopped): string {
  const counts = countsOf(outcomes).map(([status, n]) => `${status} ${formatCount(n)}`)
  const end = stopped === undefined ? [] : [`${paint.red('stopped')}  ${stoppedText(stopped)}`]
  const recap = `${paint.bold('recap')}  targeted ${formatCount(outcomes.length)}  ${counts.join('  ')}`
  return `${[...recapLines(outcomes, paint), ...end, recap].join('\n')}\n`
}

/** How many hosts ended how, those statuses that occurred. */
export function countsOf(outcomes: readonly Outcome[]): [Outcome['status'], number][] {
  return STATUSES.flatMap((status): [Outcome['status'], number][] => {
    const n = outcomes.filter(outcome => outcome.status === status).length
    return n === 0 ? [] : [[status, n]]
  })
}

/** `6 failed, more than 5; 787 hosts not attempted`; which ones is said by those who are skipped. */
export function stoppedText({ reason, notAttempted }: Stopped): string {
  const left = notAttempted.length
  return left === 0 ? line(reason) : `${line(reason)}; ${hostCount(left)} not attempted`
}

/** Hosts of which the same is to be told, problems last, the worst at the very end. */
export function foldOutcomes(outcomes: readonly Outcome[]): Fold[] {
  return STATUSES.flatMap(status =>
    foldBy(
      outcomes.filter(outcome => outcome.status === status),
      outcome => {
        const checks = outcome.checks.map(check => [check.name, check.status, shape(masked(check.detail, outcome))])
        return JSON.stringify([errorKey(outcome), checks])
      },
    ),
  )
}

/** A line a fold, with its checks below it. */
export function recapLines(outcomes: readonly Outcome[], paint: Paint): string[] {
  return foldOutcomes(outcomes).flatMap(fold => [
    ...outcomeLines(fold, paint),
    ...foldedChecks(fold).map(check => `    ${checkLine(check, paint)}${aside(check, fold)}`),
  ])
}

/** A table may be as full as before where relief comes later, or where a host went back to what it was. */
function aside({ status }: Check, { outcomes: [{ status: ended }] }: Fold): string {
  return status === 'fail' && (ended === 'changed' || ended === 'ok') ? ' (reported, does not decide)' : ''
}

/** The checks that all of these hosts have; the numbers they saw from the least to the most. */
export function foldedChecks(fold: Fold): Check[] {
  const [{ checks }] = fold.outcomes
  return checks.map((check, i) => ({ ...check, detail: together(fold, one => one.checks[i]?.detail ?? '') }))
}

/** Host, status, and its error where there is one. */
export function outcomeLine(outcome: Outcome, paint: Paint): string {
  return outcomeLines({ outcomes: [outcome] }, paint).join('\n')
}

/** The same of hosts that have it in common, and what they may try. */
export function outcomeLines(fold: Fold, paint: Paint): string[] {
  const [{ status, error }] = fold.outcomes
  const reason = error === null ? '' : `  ${line(foldedError(fold, 'message'))}`
  const hint = error?.hint ? [`    try: ${line(foldedError(fold, 'hint'))}`] : []
  return [...headed(fold, `${paint.status(status)}${reason}`, paint), ...hint]
}

/** The error that all of these hosts have. */
export function foldedError(fold: Fold, part: 'message' | 'hint'): string {
  return together(fold, ({ error }) => error?.[part] ?? '')
}

function checkLine({ name, status, detail }: Check, paint: Paint): string {
  const mark = { pass: paint.green('pass'), fail: paint.red('FAIL'), unknown: paint.yellow('unknown') }[status]
  return `${mark} ${name}: ${line(detail)}`
}
