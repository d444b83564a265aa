/** `--output junit`: what CI systems read. A suite for the run, a case for each host, its checks as output. */
import type { ExitCode } from '../errors.ts'
import { plain } from '../lang/text.ts'
import { diffLines } from '../plan/diff.ts'
import type { Outcome } from '../run/status.ts'
import type { RunHeader } from './document.ts'
import { factsText } from './facts-text.ts'
import { createPaint } from './paint.ts'
import { problemText } from './tally.ts'

type Verdict = 'passed' | 'failure' | 'error' | 'skipped'

/** What a CI system makes of a host: it is as wanted, it is not, nobody knows, or nobody tried. */
export function verdictOf({ status }: Outcome, command: string): Verdict {
  switch (status) {
    case 'ok':
    case 'changed':
      return 'passed'
    case 'would-change':
      return command === 'verify' ? 'failure' : 'passed'
    case 'skipped':
      return 'skipped'
    case 'blocked':
    case 'failed':
    case 'rolled-back':
      return 'failure'
    case 'unreachable':
    case 'rollback-failed':
    case 'unknown':
      return 'error'
    default:
      return status satisfies never
  }
}

/** The document of a run. */
export function runXml(
  { command, strategy, run }: RunHeader,
  outcomes: readonly Outcome[],
  exitCode: ExitCode,
  stopped?: { readonly reason: string },
): Generator<string> {
  const name = ['ctfix', command, strategy.join(',')].filter(word => word !== '').join(' ')
  const why = stopped ? [['stopped', stopped.reason] as const] : []
  return suiteXml(name, [['run', run], ['exit_code', String(exitCode)], ...why], outcomes, {
    command,
    outputOf: runOutput,
  })
}

/** The document of facts. */
export function factsXml(outcomes: readonly Outcome[], exitCode: ExitCode): Generator<string> {
  const outputOf = (outcome: Outcome): string => factsText([outcome], createPaint(false))
  return suiteXml('ctfix facts', [['exit_code', String(exitCode)]], outcomes, { command: 'facts', outputOf })
}

interface Cases {
  readonly command: string
  readonly outputOf: (outcome: Outcome) => string
}

function* suiteXml(
  name: string,
  properties: readonly (readonly [string, string])[],
  outcomes: readonly Outcome[],
  { command, outputOf }: Cases,
): Generator<string> {
  const verdicts = outcomes.map(outcome => verdictOf(outcome, command))
  const count = (wanted: Verdict): number => verdicts.filter(verdict => verdict === wanted).length
  const counts = `tests="${outcomes.length}" failures="${count('failure')}" errors="${count('error')}"`
  // Hosts run side by side: the sum says how much work it was, as in any other report.
  const time = seconds(outcomes.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0))
  yield lines([
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="ctfix" ${counts} time="${time}">`,
    `  <testsuite name="${attribute(name)}" ${counts} skipped="${count('skipped')}" time="${time}">`,
    '    <properties>',
    ...properties.map(([key, value]) => `      <property name="${key}" value="${attribute(value)}"/>`),
    '    </properties>',
  ])
  for (const [i, outcome] of outcomes.entries()) {
    yield lines(caseXml(outcome, verdicts[i] ?? 'error', { command, outputOf }))
  }
  yield lines(['  </testsuite>', '</testsuites>'])
}

const lines = (texts: readonly string[]): string => texts.map(one => `${one}\n`).join('')

function caseXml(outcome: Outcome, verdict: Verdict, { command, outputOf }: Cases): string[] {
  const { host, status, error, elapsedMs } = outcome
  const said = problemText(outcome)
  const message = attribute(said === '' ? status : `${status}: ${said}`)
  const hint = error?.hint ? text(`try: ${error.hint}`) : ''
  const verdictXml = {
    passed: [],
    skipped: [`      <skipped message="${message}"/>`],
    failure: [`      <failure type="${status}" message="${message}">${hint}</failure>`],
    error: [`      <error type="${status}" message="${message}">${hint}</error>`],
  }[verdict]
  return [
    `    <testcase classname="ctfix.${command}" name="${attribute(host)}" time="${seconds(elapsedMs)}">`,
    ...verdictXml,
    `      <system-out>${text(outputOf(outcome))}</system-out>`,
    '    </testcase>',
  ]
}

/** Status, diff and checks of a host. */
function runOutput({ status, plan, checks }: Outcome): string {
  const diff = plan ? diffLines(plan) : []
  const notes = [
    ...(plan?.notes ?? []).map(note => `note: ${note}`),
    ...(plan?.warnings ?? []).map(warning => `warning: ${warning}`),
  ]
  const judged = checks.map(({ name, status: result, detail }) => `${result} ${name}: ${detail}`)
  return [status, ...diff, ...notes, ...judged].join('\n')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text of an element: what XML 1.0 has no letter for is shown as `plain` shows it, or as the sign of a lost letter. */
function text(raw: string): string {
  return plain(raw.toWellFormed())
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, sign => ENTITIES[sign] ?? sign)
}

/** The same in an attribute, where a line break would be read as a blank. */
function attribute(raw: string): string {
  return text(raw).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}
