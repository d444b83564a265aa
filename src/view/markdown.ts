/**
 * `--output markdown`: the change ticket. Every text that is not ours stands in a fence or in code marks longer than any
 * in it, so that no host can write a line of the ticket.
 */
import type { ExitCode } from '../errors.ts'
import { formatCount } from '../lang/numbers.ts'
import { plain } from '../lang/text.ts'
import type { Event } from '../run/events.ts'
import type { Outcome } from '../run/status.ts'
import { hostsBack } from '../run/taken-back.ts'
import { comparedPlans } from './alike.ts'
import type { RunHeader } from './document.ts'
import { factsText } from './facts-text.ts'
import type { Fold } from './fold.ts'
import { hostRange } from './hostrange.ts'
import { countsOf, foldedChecks, foldedError, foldOutcomes, hostCount, type Stopped } from './human.ts'
import { createPaint } from './paint.ts'
import { amount, foldedDiff, foldPlans } from './plans.ts'
import { sinceLines } from './since.ts'

/** What happened between the hosts. */
export interface Story {
  readonly batches: readonly Extract<Event, { type: 'batch' }>[]
  readonly gates: readonly Extract<Event, { type: 'gate' }>[]
  readonly stopped: Stopped | undefined
}

export interface Ticket {
  readonly header: RunHeader
  readonly outcomes: readonly Outcome[]
  readonly exitCode: ExitCode
  readonly story: Story
}

/** A text of somebody else in a line of ours. */
export function code(text: string): string {
  const said = plain(text).replace(/\s+/g, ' ').trim()
  if (said === '') return '(nothing)'
  const marks = '`'.repeat(longestRun(said) + 1)
  const pad = said.startsWith('`') || said.endsWith('`') ? ' ' : ''
  return `${marks}${pad}${said}${pad}${marks}`
}

/** Lines of somebody else as a block. */
export function fence(language: string, lines: readonly string[]): string[] {
  // plain leaves line breaks, which may stand in a fence, and nothing else that could end a line.
  const text = plain(lines.join('\n'))
  const marks = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return [`${marks}${language}`, ...text.split('\n'), marks]
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((most, { length }) => Math.max(most, length), 0)
}

/** The whole ticket, with places to pause. */
export function* ticketPieces(ticket: Ticket): Generator<string> {
  yield* comparedPlans(ticket.outcomes)
  yield ticketText(ticket)
}

/** The whole ticket. */
export function ticketText(ticket: Ticket): string {
  const { header, outcomes, exitCode } = ticket
  const what = header.strategy.map(code).join(', ') || code(header.command)
  const sections = [
    [`# ${header.command}: ${what} on ${hostCount(outcomes.length)}`, '', ...headLines(ticket)],
    whySection(outcomes),
    hostsSection(outcomes),
    diffSection(outcomes),
    batchesSection(ticket),
    wayBackSection(header, outcomes),
    ['## Results', '', `Exit code ${exitCode}. ${countsText(outcomes)}.`, '', ...resultLines(outcomes)],
  ]
  return `${sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n').trimEnd())
    .join('\n\n')}\n`
}

function headLines({ header, outcomes }: Ticket): string[] {
  return [
    `- Run: ${code(header.run)}`,
    `- Command: ${code(`ctfix ${header.command}`)}`,
    `- Hosts: ${hostCount(outcomes.length)}`,
    ...sinceLines(header).map(([what, when]) => `- **${what}** ${code(when)}`),
  ]
}

/** Each reason once, with how many hosts have it. */
function whySection(outcomes: readonly Outcome[]): string[] {
  const reasons = new Map<string, number>()
  for (const fold of foldPlans(outcomes)) {
    const whys = foldedDiff(fold, 'why')
    for (const why of new Set(whys)) reasons.set(why, (reasons.get(why) ?? 0) + fold.outcomes.length)
  }
  if (reasons.size === 0) return []
  return ['## Why', '', ...[...reasons].map(([why, n]) => `- ${code(why)} (${hostCount(n)})`)]
}

function hostsSection(outcomes: readonly Outcome[]): string[] {
  return ['## Hosts', '', ...fence('text', [hostRange(outcomes.map(({ host }) => host))])]
}

function diffSection(outcomes: readonly Outcome[]): string[] {
  const folds = foldPlans(outcomes.filter(({ plan }) => plan !== null))
  if (folds.length === 0) return []
  return ['## What changes', '', ...folds.flatMap(planLines)]
}

function planLines(fold: Fold): string[] {
  const [{ plan }] = fold.outcomes
  if (plan === null) return []
  const verdict =
    plan.changes.length > 0 ? amount(plan.changes) : plan.blockers.length > 0 ? 'declined' : 'nothing to do'
  const notes = [
    ...(plan.notes ?? []).map(text => `- note: ${code(text)}`),
    ...plan.warnings.map(text => `- warning: ${code(text)}`),
    ...plan.forced.map(({ code: name, message }) => `- forced past ${code(name)}: ${code(message)}`),
    ...plan.blockers.map(({ code: name, message }) => `- blocked by ${code(name)}: ${code(message)}`),
  ]
  return [
    `### ${rangeOf(fold)}: ${verdict}`,
    '',
    ...(plan.changes.length > 0 ? [...fence('diff', foldedDiff(fold)), ''] : []),
    ...(notes.length > 0 ? [...notes, ''] : []),
  ]
}

/** `web-[001-996]` (996 hosts) */
function rangeOf({ outcomes }: Fold): string {
  const range = code(hostRange(outcomes.map(({ host }) => host)))
  return outcomes.length === 1 ? range : `${range} (${hostCount(outcomes.length)})`
}

function batchesSection({ header, story }: Ticket): string[] {
  const { batches, gates, stopped } = story
  const lines = [
    ...(header.rules ?? []).map(rule => `- ${code(rule)}`),
    ...batches.flatMap(({ index, of, hosts, canary }) => [
      `- batch ${index} of ${of}${canary ? ', the canary' : ''}: ${hostCount(hosts.length)}, ${code(hostRange(hosts))}`,
      ...gates
        .filter(({ after, status }) => after === index && status !== 'begun')
        .map(({ kind, status, detail }) => `  - ${kind} ${status}: ${code(detail)}`),
    ]),
    ...(stopped ? [`- **stopped**: ${code(stopped.reason)}`] : []),
    ...(stopped?.notAttempted.length
      ? [`- not attempted: ${hostCount(stopped.notAttempted.length)}, ${code(hostRange(stopped.notAttempted))}`]
      : []),
  ]
  return lines.length > 0 ? ['## Batches and limits', '', ...lines] : []
}

/** Only what changed hosts can be taken back; what was planned has no run of its own yet, a dry run of apply neither. */
function wayBackSection({ command, run, takenBack = [] }: RunHeader, outcomes: readonly Outcome[]): string[] {
  if (command !== 'apply' && command !== 'plan') return []
  const back = hostsBack(takenBack)
  if (back.size > 0 && outcomes.every(({ host, status }) => status !== 'changed' || back.has(host))) {
    return ['## Way back', '', 'It was gone: nothing of the run is left on a host that it changed.']
  }
  const isPlanned = command === 'plan' || outcomes.some(({ status }) => status === 'would-change')
  const which = isPlanned ? 'RUN' : run
  const note = isPlanned ? ['', 'RUN is the id that the apply prints.'] : []
  return ['## Way back', '', ...fence('sh', [`ctfix rollback -i INVENTORY ${which}`]), ...note]
}

function countsText(outcomes: readonly Outcome[]): string {
  return countsOf(outcomes)
    .map(([status, n]) => `${formatCount(n)} ${status}`)
    .join(', ')
}

/** Problems last, as in a recap. */
function resultLines(outcomes: readonly Outcome[]): string[] {
  return foldOutcomes(outcomes).flatMap(fold => {
    const [{ status, error }] = fold.outcomes
    return [
      `- **${status}** ${rangeOf(fold)}${error ? `: ${code(foldedError(fold, 'message'))}` : ''}`,
      ...(error?.hint ? [`  - try: ${code(foldedError(fold, 'hint'))}`] : []),
      ...foldedChecks(fold).map(({ name, status, detail }) => `  - ${status} ${name}: ${code(detail)}`),
    ]
  })
}

/** The table of facts as a ticket. */
export function factsTicket(outcomes: readonly Outcome[], exitCode: ExitCode): string {
  const rows = factsText(outcomes, createPaint(false)).trimEnd().split('\n')
  const head = [`# facts of ${hostCount(outcomes.length)}`, '', ...fence('text', rows), '']
  return `${[...head, `Exit code ${exitCode}. ${countsText(outcomes)}.`].join('\n')}\n`
}
