/** What commands that change hosts have in common around the work itself. */
import { UsageError } from '../errors.ts'
import { plain } from '../lang/text.ts'
import { PHASES, type Phase } from '../run/events.ts'
import { SETTLE_SECONDS } from '../run/outside/measured.ts'
import type { Record } from '../run/record.ts'
import { exitCodeOfRun, type Outcome } from '../run/status.ts'
import { whoWeAre } from '../run/tools.ts'
import { LEAST_TO_CONFIRM_SECONDS } from '../run/undertaking.ts'
import { documentText, type RunHeader, runDocument } from '../view/document.ts'
import { hostRange } from '../view/hostrange.ts'
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

/** True for one that stops with the plan; the two flags say the same. */
export function isDryRun({ check, dryRun }: GuardOptions): boolean {
  return check === true || dryRun === true
}

/** What each host goes through; a dry run waits for nothing after the plan. */
export function phasesOf(options: GuardOptions): readonly Phase[] {
  return isDryRun(options) ? ['connect', 'probe'] : PHASES
}

interface Times {
  readonly revertIn?: number
  readonly window: number
  readonly connectTimeout: number
  readonly probe?: readonly unknown[]
}

/** For so long a dead host is waited for, and a live one is locked: a day is longer than any change window. */
const MOST_SECONDS = 86_400

/** Seconds a host gives us. Default: a minute, or what the options for getting in and for watching need. */
export function revertIn({ revertIn: asked, window, connectTimeout, probe = [] }: Times): number {
  const least = window + LEAST_TO_CONFIRM_SECONDS + (probe.length > 0 ? SETTLE_SECONDS : 0)
  if (asked !== undefined && asked > MOST_SECONDS)
    throw new UsageError(`--revert-in ${asked}: at most ${MOST_SECONDS} s`)
  if (asked === undefined) return Math.max(60, window + connectTimeout)
  if (asked >= least) return asked
  throw new UsageError(
    `--revert-in ${asked}: with --window ${window} a host cannot be confirmed in less than ${least} s`,
  )
}

/** Who leaves at once hears which hosts are in the middle of a change, and what becomes of them. */
export function tellWhatIsLeft({ listen, tools }: Pick<Session, 'listen' | 'tools'>, goOn: string): void {
  const begun = new Map<string, string>()
  listen(event => {
    if (event.type === 'intent') begun.set(event.host, event.runDir)
    if (event.type === 'outcome') begun.delete(event.host)
  })
  const tell = (): void => {
    // As many as there are forks: what is the same for all of them is said once.
    for (const [runDir, left] of Map.groupBy(begun.keys(), host => begun.get(host) ?? '')) {
      const [they, where] = left.length > 1 ? ['each of them', 'on a host'] : ['it', 'on the host']
      const wayBack = `${they} takes itself back unless it was confirmed; ${where}: sh ${runDir}/guard.sh revert ${runDir}`
      process.stderr.write(`ctfix: ${plain(hostRange(left))}: left in the middle of a change; ${wayBack}\n`)
    }
    if (begun.size > 0) process.stderr.write(`ctfix: to go on later: ${goOn}\n`)
  }
  tools.signal.addEventListener('abort', tell, { once: true })
}

/** Where a run stopped, once it has. */
export function watchStop({ listen }: Session): () => Pick<RunHeader, 'stopped'> {
  let batch = 1
  let reason: string | null = null
  listen(event => {
    if (event.type === 'batch') batch = event.index
    if (event.type === 'stopped') reason = event.reason
  })
  return () => (reason === null ? {} : { stopped: { reason, afterBatch: batch } })
}

interface Conclusion {
  readonly header: RunHeader
  /** null: nothing could be changed, so nothing is recorded. */
  readonly record: Record | null
  readonly outcomes: readonly Outcome[]
  /** The command that goes on with it. */
  readonly goOn?: string
}

/** The command that goes on with an apply. */
export const resumeLine = (run: string): string => `ctfix apply -i INVENTORY --resume ${run}`

/** The command that takes a run back, and that goes on with a rollback of it. */
export const rollbackLine = (run: string): string => `ctfix rollback -i INVENTORY ${run}`

/** Closes the record, shows the result, sets the exit code. */
export async function conclude(
  { view }: Session,
  { output, detailedExitcode }: SharedOptions & { readonly detailedExitcode?: boolean },
  { header, record, outcomes, goOn }: Conclusion,
): Promise<void> {
  await view.settle()
  const exitCode = exitCodeOfRun(outcomes, detailedExitcode === true)
  const incomplete = await record?.close(documentText(runDocument(header, outcomes, exitCode), 2))
  await view.result(header, outcomes, exitCode)
  if (incomplete) process.stderr.write(`ctfix: the run record is incomplete: ${plain(incomplete)}\n`)
  if (record && output === 'human') {
    process.stderr.write(`record: ${record.directory}\n`)
    for (const text of goOn === undefined ? [] : waysOn(header, outcomes, goOn)) process.stderr.write(`${text}\n`)
  }
  process.exitCode = exitCode
}

/** What may be done about a run that did not come to all of its hosts. */
export function waysOn(
  { run, command }: Pick<RunHeader, 'run' | 'command'>,
  outcomes: readonly Outcome[],
  goOn: string,
): readonly string[] {
  if (!outcomes.some(({ status, cause }) => status === 'skipped' && cause !== 'excluded')) return []
  const back =
    command === 'apply' && outcomes.some(({ status }) => status === 'changed')
      ? [`to take it back: ${rollbackLine(run)}`]
      : []
  return [`to go on: ${goOn}`, ...back]
}
