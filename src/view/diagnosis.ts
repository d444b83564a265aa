/** What is wrong with each host: for people folded over hosts that have the same, for programs one document. */
import type { Diagnosis } from '../diagnose/diagnose.ts'
import { type Finding, SEVERITIES } from '../diagnose/finding.ts'
import { fillText } from '../diagnose/pressure.ts'
import type { ExitCode } from '../errors.ts'
import { plain } from '../lang/text.ts'
import type { Outcome } from '../run/status.ts'
import { factsBody, type HostsDocument, hostsDocument } from './document.ts'
import { type Fold, foldBy, masked, shape, together } from './fold.ts'
import { hostRange } from './hostrange.ts'
import { line, recapLines } from './human.ts'
import type { Paint } from './paint.ts'

/** By host; missing where nobody could look. */
export type Diagnoses = ReadonlyMap<string, Diagnosis>

/** How a person would apply what is recommended for these hosts. */
export type CommandFor = (hosts: readonly string[], diagnosis: Diagnosis) => string

/** Hosts and the findings of each, the worst first, and what to do; hosts alike are told once. */
export function diagnosisText(
  outcomes: readonly Outcome[],
  found: Diagnoses,
  { paint, commandFor }: { readonly paint: Paint; readonly commandFor: CommandFor },
): string {
  const seen = outcomes.filter(({ host }) => found.has(host))
  const folds = foldBy(seen, outcome => keyOf(outcome, found.get(outcome.host)))
  const trouble = recapLines(
    outcomes.filter(({ host }) => !found.has(host)),
    paint,
  )
  const badnessOf = ({ outcomes: [first] }: Fold): number => badness(found.get(first?.host ?? ''))
  const told = folds
    .toSorted((a, b) => badnessOf(a) - badnessOf(b))
    .flatMap(fold => hostLines(fold, found, { paint, commandFor }))
  return `${[...told, ...trouble, ...worstLine(seen, found, paint), recap(outcomes, found, paint)].join('\n')}\n`
}

/** 0: critical; the more, the better off. */
function badness(diagnosis: Diagnosis | undefined): number {
  const worst = diagnosis?.findings[0]?.severity
  return worst === undefined ? SEVERITIES.length : SEVERITIES.indexOf(worst)
}

/** So much may have gone by on the screen since they were told; where all are alike it has not. */
function worstLine(seen: readonly Outcome[], found: Diagnoses, paint: Paint): string[] {
  const critical = seen.filter(({ host }) => badness(found.get(host)) === 0).map(({ host }) => host)
  if (critical.length === 0 || critical.length === seen.length) return []
  return [`${paint.red('critical')}  ${plain(hostRange(critical))}`]
}

/** Hosts with the same findings and the same recommendation; numbers may differ, options may not. */
function keyOf(outcome: Outcome, diagnosis: Diagnosis | undefined): string {
  const own = (text: string): string => shape(masked(text, outcome))
  const findings = diagnosis?.findings.map(({ code, severity, title, evidence }) => [
    ...[code, severity, own(title)],
    ...evidence.map(own),
  ])
  return JSON.stringify([findings, diagnosis?.recommendation.steps, own(diagnosis?.recommendation.why ?? '')])
}

interface Showing {
  readonly paint: Paint
  readonly commandFor: CommandFor
}

function hostLines(fold: Fold, found: Diagnoses, { paint, commandFor }: Showing): string[] {
  const names = fold.outcomes.map(({ host }) => host)
  const diagnosis = found.get(names[0] ?? '')
  if (!diagnosis) return []
  const textOf = (pick: (one: Diagnosis) => string | undefined): string =>
    line(together(fold, ({ host }) => pick(found.get(host) ?? diagnosis) ?? ''))
  const finding = ({ code, severity, evidence }: Finding, i: number): string[] => [
    `  ${paintOf(severity, paint)(severity)} ${code}: ${textOf(one => one.findings[i]?.title)}`,
    ...evidence.map((_, j) => `      ${textOf(one => one.findings[i]?.evidence[j])}`),
    `      → ${textOf(one => one.findings[i]?.remedy)}`,
  ]
  const { steps } = diagnosis.recommendation
  const what = steps.map(({ strategy }) => strategy).join(',')
  const filled = line(together(fold, ({ facts }) => (facts?.family ? fillText(facts) : 'no connection tracking')))
  return [
    `${paint.bold(plain(hostRange(names)))}  ${filled}${names.length > 1 ? `  (${names.length} hosts)` : ''}`,
    ...diagnosis.findings.flatMap(finding),
    ...(diagnosis.findings.length === 0 ? [`  ${paint.green('nothing found')}`] : []),
    ...(diagnosis.findings.length > 0
      ? [
          `  ${paint.bold('recommended')} ${what === '' ? 'no strategy' : what}: ${textOf(one => one.recommendation.why)}`,
        ]
      : []),
    ...(what === '' ? [] : [`      $ ${line(commandFor(names, diagnosis))}`]),
    '',
  ]
}

function paintOf(severity: Finding['severity'], paint: Paint): (text: string) => string {
  return { critical: paint.red, warning: paint.yellow, notice: paint.dim }[severity]
}

function recap(outcomes: readonly Outcome[], found: Diagnoses, paint: Paint): string {
  const worst = [...found.values()].map(({ findings }) => findings[0]?.severity ?? 'well')
  const counts = [...SEVERITIES, 'well' as const].flatMap(word => {
    const n = worst.filter(one => one === word).length
    return n === 0 ? [] : [`${word} ${n}`]
  })
  const unseen = outcomes.length - found.size
  const rest = unseen === 0 ? [] : [`not looked at ${unseen}`]
  return `${paint.bold('recap')}  targeted ${outcomes.length}  ${[...counts, ...rest].join('  ')}`
}

/** The document of `ctfix diagnose`: every targeted host, in inventory order. */
export function diagnosisDocument(
  outcomes: readonly Outcome[],
  found: Diagnoses,
  { exitCode, commandFor }: { readonly exitCode: ExitCode; readonly commandFor: CommandFor },
): HostsDocument {
  return hostsDocument({ exitCode }, outcomes, ({ host, status, facts, error }) => {
    const diagnosis = found.get(host)
    return {
      ...{ status, facts: facts && factsBody(facts) },
      findings: diagnosis?.findings.map(({ cure: _, ...finding }) => finding) ?? null,
      recommendation: diagnosis ? recommendationBody(host, diagnosis, commandFor) : null,
      error,
    }
  })
}

function recommendationBody(host: string, diagnosis: Diagnosis, commandFor: CommandFor): object {
  const { steps, why, plan } = diagnosis.recommendation
  return {
    steps,
    why,
    command: steps.length === 0 ? null : commandFor([host], diagnosis),
    blockers: steps.length === 0 ? (plan?.blockers ?? []) : [],
  }
}
