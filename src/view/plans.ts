/** Plans for people: the diff of every host, what is the same on many said once. */
import type { Change } from '../change/change.ts'
import { describe } from '../change/kinds.ts'
import { plain } from '../lang/text.ts'
import { diffParts } from '../plan/diff.ts'
import { ofLayer, type Plan } from '../plan/plan.ts'
import type { Outcome } from '../run/status.ts'
import { actKey, comparedPlans, planKey } from './alike.ts'
import { type Fold, foldBy, masked, spread, together } from './fold.ts'
import { headed, line, outcomeLines } from './human.ts'
import type { Paint } from './paint.ts'

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
