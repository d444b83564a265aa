/** `ctfix report RUN`: what the record of a run here tells, as a page or in any of the other outputs. It asks no host. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { ConfigError, EXIT, type ExitCode, messageOf, UsageError } from '../errors.ts'
import { reportPage } from '../report/page.ts'
import { headText, numbersText, undoText } from '../report/text.ts'
import { type Account, accountOf, outcomesOf, stoppedIn } from '../run/account.ts'
import { readRun } from '../run/recorded.ts'
import { exitCodeOfRun, type Outcome } from '../run/status.ts'
import { documentText, type RunHeader, runDocument } from '../view/document.ts'
import { recapText } from '../view/human.ts'
import { runXml } from '../view/junit.ts'
import { type Story, ticketPieces } from '../view/markdown.ts'
import { createPaint } from '../view/paint.ts'
import { plansText } from '../view/plans.ts'
import { print } from '../view/view.ts'
import { EXIT_MEANINGS } from './help.ts'
import type { SharedOptions } from './options.ts'
import { stateDirectory, streamsOf } from './session.ts'

interface ReportOptions extends SharedOptions {
  readonly html?: boolean
  readonly out?: string
}

/** Prints it, or writes it to `--out` and prints the name of the file. */
export async function report(run: string, options: ReportOptions): Promise<void> {
  if (options.html && options.output !== 'human') {
    throw new UsageError(`--html is a format of its own: leave out --output ${options.output}`)
  }
  const account = accountOf(readRun(stateDirectory(options), run))
  const pieces = options.html ? [pageOf(account)] : textOf(account, options)
  if (options.out === undefined) return print(streamsOf(options), pieces)
  try {
    // Who may read what hosts look like is for its owner to say.
    writeFileSync(options.out, [...pieces].join(''), { mode: 0o600 })
    // The mode is for a file that is new; one of before may be for all to read.
    if (statSync(options.out).isFile()) chmodSync(options.out, 0o600)
  } catch (cause) {
    throw new ConfigError(`cannot write the report: ${messageOf(cause)}`, { cause, place: { file: options.out } })
  }
  process.stdout.write(`${options.out}\n`)
}

function pageOf(account: Account): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const name = Object.entries(EXIT).find(([, code]) => code === account.exitCode)?.[0]
  const meanings: Readonly<Record<string, string>> = EXIT_MEANINGS
  return reportPage(account, { version, meaning: name === undefined ? null : (meanings[name] ?? null) })
}

function textOf(account: Account, options: ReportOptions): Iterable<string> {
  const outcomes = outcomesOf(account)
  const exitCode = codeOf(account, outcomes)
  const story = storyOf(account)
  const { run, command, strategy, rules, resumed, takenBack } = account
  const stopped = story.stopped && {
    stopped: { reason: story.stopped.reason, afterBatch: story.batches.at(-1)?.index ?? 1 },
  }
  const header: RunHeader = {
    run,
    command,
    strategy,
    ...(rules.length > 0 && { rules }),
    ...stopped,
    resumed,
    takenBack,
  }
  switch (options.output) {
    case 'human': {
      const paint = createPaint(options.out === undefined && streamsOf(options).color)
      const parts = [headText(account, paint), plansText(outcomes, paint), numbersText(account, paint)]
      const told = parts.filter(part => part !== '').map(part => `${part}\n`)
      return [...told, recapText(outcomes, paint, story.stopped), undoText(account)]
    }
    case 'markdown':
      return ticketPieces({ header, outcomes, exitCode, story })
    case 'junit':
      return runXml(header, outcomes, exitCode, story.stopped)
    case 'json':
      return documentText(runDocument(header, outcomes, exitCode), 2)
    case 'ndjson':
      return documentText(runDocument(header, outcomes, exitCode), 0)
    default:
      return options.output satisfies never
  }
}

/** The run's own; of one that was broken off, what its hosts come to so far. */
function codeOf({ exitCode }: Account, outcomes: readonly Outcome[]): ExitCode {
  return Object.values(EXIT).find(code => code === exitCode) ?? exitCodeOfRun(outcomes, false)
}

function storyOf(account: Account): Story {
  const { story } = account
  return {
    batches: story.filter(one => one.type === 'batch'),
    gates: story.filter(one => one.type === 'gate'),
    stopped: stoppedIn(account),
  }
}
