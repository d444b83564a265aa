/** What commands that change hosts have in common around the work itself. */
import { UsageError } from '../errors.ts'
import { plain } from '../lang/text.ts'
import type { Record } from '../run/record.ts'
import { exitCodeOfRun, type Outcome } from '../run/status.ts'
import { whoWeAre } from '../run/tools.ts'
import { LEAST_TO_CONFIRM_SECONDS } from '../run/undertaking.ts'
import { type RunHeader, runDocument } from '../view/document.ts'
import { canAsk } from './ask.ts'
import type { GuardOptions, SharedOptions } from './options.ts'
import type { Session } from './session.ts'

/** Throws UsageError where a person would have to be asked and there is none. */
export function refuseWithoutAnybody(command: string, { yes, check, dryRun }: GuardOptions): void {
  if (yes || check || dryRun || canAsk()) return
  throw new UsageError(`nobody to ask: without a terminal, ${command} needs --yes (or --dry-run)`)
}

/** Who does it and when, for the record; no word of the command line, which may hold what is nobody's business. */
export function signature(): { readonly at: string; readonly who: string } {
  return { at: new Date().toISOString(), who: whoWeAre() }
}

interface Times {
  readonly revertIn?: number
  readonly window: number
  readonly connectTimeout: number
}

/** For so long a dead host is waited for, and a live one is locked: a day is longer than any change window. */
const MOST_SECONDS = 86_400

/** Seconds a host gives us. Default: a minute, or what the options for getting in and for watching need. */
export function revertIn({ revertIn: asked, window, connectTimeout }: Times): number {
  const least = window + LEAST_TO_CONFIRM_SECONDS
  if (asked !== undefined && asked > MOST_SECONDS)
    throw new UsageError(`--revert-in ${asked}: at most ${MOST_SECONDS} s`)
  if (asked === undefined) return Math.max(60, window + connectTimeout)
  if (asked >= least) return asked
  throw new UsageError(
    `--revert-in ${asked}: with --window ${window} a host cannot be confirmed in less than ${least} s`,
  )
}

/** Who leaves at once hears which hosts are in the middle of a change, and what becomes of them. */
export function tellWhatIsLeft({ listen, tools }: Session): void {
  const begun = new Map<string, string>()
  listen(event => {
    if (event.type === 'intent') begun.set(event.host, event.runDir)
    if (event.type === 'outcome') begun.delete(event.host)
  })
  const tell = (): void => {
    for (const [host, runDir] of begun) {
      const wayBack = `it takes itself back unless it was confirmed; on the host: sh ${runDir}/guard.sh revert ${runDir}`
      process.stderr.write(`ctfix: ${plain(host)}: left in the middle of a change; ${wayBack}\n`)
    }
    if (begun.size > 0) process.stderr.write(`ctfix: to go on later: ctfix apply --resume ${tools.run}\n`)
  }
  tools.signal.addEventListener('abort', tell, { once: true })
}

interface Conclusion {
  readonly header: RunHeader
  /** null: nothing could be changed, so nothing is recorded. */
  readonly record: Record | null
  readonly outcomes: readonly Outcome[]
}

/** Closes the record, shows the result, sets the exit code. */
export async function conclude(
  { view }: Session,
  { output, detailedExitcode }: SharedOptions & { readonly detailedExitcode?: boolean },
  { header, record, outcomes }: Conclusion,
): Promise<void> {
  await view.settle()
  const exitCode = exitCodeOfRun(outcomes, detailedExitcode === true)
  const incomplete = record?.close(runDocument(header, outcomes, exitCode))
  view.result(header, outcomes, exitCode)
  if (incomplete) process.stderr.write(`ctfix: the run record is incomplete: ${plain(incomplete)}\n`)
  if (record && output === 'human') process.stderr.write(`record: ${record.directory}\n`)
  process.exitCode = exitCode
}
