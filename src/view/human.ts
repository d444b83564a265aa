/** Results for people: plans as diffs, a recap with the problems last. What is the same on many hosts is said once. */
import type { Change } from '../change/change.ts'
import { describe } from '../change/kinds.ts'
import { formatCount } from '../lang/numbers.ts'
import { plain } from '../lang/text.ts'
import { diffParts } from '../plan/diff.ts'
import { ofLayer, type Plan } from '../plan/plan.ts'
import type { Check } from '../run/checks.ts'
import { type Outcome, STATUSES } from '../run/status.ts'
import { actKey, comparedPlans, errorKey, planKey } from './alike.ts'
import { type Fold, foldBy, masked, shape, spread, together } from './fold.ts'
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

/** Hosts whose plans come to the same, in order; reasons may name other numbers. */
export function foldPlans(outcomes: readonly Outcome[]): Fold[] {
  return foldBy(outcomes, planKey)
}

/** The diff of every host that has one, and what stands against it; equal ones once, under the range of their hosts. */
export function plansText(outcomes: readonly Outcome[], paint: Paint): string {
  // Whom nobody came to has nothing to show; the recap names them.
  return foldPlans(outcomes.filter(({ status, plan }) => status !== 'skipped' || plan !== null))
    .flatMap(fold => planLines(fold, paint))
    .join('\n')
}

/** The same, and a line end, in pieces. */
export function* plansPieces(outcomes: readonly Outcome[], paint: Paint): Generator<string> {
  yield* comparedPlans(outcomes)
  yield `${plansText(outcomes, paint)}\n`
}

function planLines(fold: Fold, paint: Paint): string[] {
  const [{ plan }] = fold.outcomes
  if (plan === null) return [...outcomeLines(fold, paint), '']
  const texts = (pick: (plan: Plan) => readonly string[]): string[] =>
    pick(plan).map((_, i) => together(fold, outcome => (outcome.plan ? pick(outcome.plan)[i] : '') ?? ''))
  const messages = (list: 'forced' | 'blockers'): [string, string][] =>
    texts(one => one[list].map(({ message }) => message)).map((message, i) => [plan[list][i]?.code ?? '', message])
  const notes = [
    ...texts(one => one.notes ?? []).map(note => `  ${paint.bold('note')} ${line(note)}`),
    ...texts(one => one.warnings).map(warning => `  ${paint.yellow('warning')} ${line(warning)}`),
    ...messages('forced').map(([code, message]) => `  ${paint.yellow(`forced past ${code}`)} ${line(message)}`),
    ...messages('blockers').flatMap(([code, message]) => blockLines(paint.red(`blocked: ${code}`), message)),
  ]
  if (plan.changes.length === 0) {
    const verdict = plan.blockers.length > 0 ? 'declined' : 'nothing to do'
    return [...headed(fold, verdict, paint), ...notes, '']
  }
  return [
    ...headed(fold, amount(plan.changes), paint),
    ...foldedDiff(fold).map(text => `  ${paint.diff(text)}`),
    ...notes,
    '',
  ]
}

/** The lines of the diff that all of these hosts have, or its reasons alone. */
export function foldedDiff(fold: Fold, only?: 'why'): string[] {
  const [first, ...others] = fold.outcomes
  if (first.plan === null) return []
  const { plan } = first
  const acts = actKey(plan)
  const same = others.every(other => other.plan && actKey(other.plan) === acts)
  const changesAt = (i: number): Change[] => fold.outcomes.flatMap(outcome => outcome.plan?.changes[i] ?? [])
  return diffParts(plan).flatMap(({ change, lines }) => {
    const at = plan.changes.indexOf(change)
    const why = plain(together(fold, outcome => outcome.plan?.changes[at]?.why ?? ''))
    if (only) return [why]
    const told = change.kind === 'entries' ? [spread(listOf(changesAt(at).map(describe)))] : lines
    return [...told.map(text => (same ? text : masked(text, first))), `    ${why}`]
  })
}

function listOf(texts: readonly string[]): readonly [string, ...string[]] {
  const [first = '', ...rest] = texts
  return [plain(first), ...rest.map(plain)]
}

/** Of a longer range only the number stands in front; the range has a line of its own. */
const SHORT_RANGE = 40

/** `web-[001-300]  text  (300 hosts)`, or `300 hosts  text` with the hosts below. */
function headed({ outcomes }: Fold, text: string, paint: Paint): string[] {
  const range = line(hostRange(outcomes.map(({ host }) => host)))
  const many = hostCount(outcomes.length)
  if (outcomes.length === 1) return [`${paint.bold(range)}  ${text}`]
  if (range.length <= SHORT_RANGE) return [`${paint.bold(range)}  ${text}  (${many})`]
  return [`${paint.bold(many)}  ${text}`, `    ${range}`]
}

/** The lines after the first one, as those of a diff, stand below it; each of them is further in than any of ours. */
function blockLines(head: string, message: string): string[] {
  const [first = '', ...rest] = message.split('\n')
  return [`  ${head} ${line(first)}`, ...rest.map(text => `      ${plain(text)}`.trimEnd())]
}

/** `2 live changes, 3 files`: what is gone after a reboot, what boot reads, and what does not come back. */
export function amount(changes: readonly Change[]): string {
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
    ...foldedChecks(fold).map(check => `    ${checkLine(check, paint)}`),
  ])
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

function outcomeLines(fold: Fold, paint: Paint): string[] {
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
