/** Going on with a run that was broken off: a host in doubt is asked first what became of it. */
import { ConnectError, InDoubtError, messageOf, NotTriedError, StaleError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Plan, Task } from '../plan/plan.ts'
import { whyStale } from '../plan/saved-stale.ts'
import type { Connection } from '../transport/connection.ts'
import { decisive, failures, judge, passes } from './checks.ts'
import { type Prepared, readyToApply } from './commands.ts'
import type { HostResult } from './fleet.ts'
import { askAboutRun, type RunOnHost } from './on-host.ts'
import { withProbes } from './outside/measured.ts'
import { proveAndKeep } from './prove.ts'
import type { Progress } from './recorded.ts'
import type { Outcome } from './status.ts'
import { connected, type Survey, surveyOver } from './survey.ts'
import { takeBack } from './take-back.ts'
import { reliefOf, runDirectory, type Tools } from './tools.ts'
import { LEAST_TO_CONFIRM_SECONDS, undertake } from './undertaking.ts'

export interface Begun {
  readonly task: Task
  /** What the record says was to be done there. */
  readonly approved: Plan
  /** That and nothing else, whatever the host is by now: of a saved plan. */
  readonly isSaved: boolean
  /** What the record says of it; null, `unknown` or `rollback-failed`: it may be anything by now. */
  readonly outcome: Pick<Outcome, 'status'> | null
}

/** True for a host that was begun, and of which nobody knows what it is. */
export function isInDoubt({ step, outcome }: Pick<Progress, 'step'> & Pick<Begun, 'outcome'>): boolean {
  return step !== null && (outcome === null || ['unknown', 'rollback-failed'].includes(outcome.status))
}

/** Looks at a host on which the run was begun. Rejects with InDoubtError where it does not say what became of that. */
export async function prepareResume(host: Host, begun: Begun, tools: Tools): Promise<Prepared> {
  let heard: RunOnHost | null | undefined
  try {
    return await preparedBy(host, begun, tools, onHost => {
      heard = onHost
    })
  } catch (error) {
    if (!isInDoubt({ step: 'apply', outcome: begun.outcome }) || isSettled(heard) || isUntried(error)) throw error
    const runDir = runDirectory(tools.run)
    throw new InDoubtError(`it was begun before, and what became of that cannot be seen: ${messageOf(error)}`, {
      cause: error,
      hint: `it takes itself back unless it was confirmed; on the host: sh ${runDir}/guard.sh status ${runDir}`,
    })
  }
}

/** Nothing is left of the run there. */
function isSettled(heard: RunOnHost | null | undefined): boolean {
  return heard === null || heard?.state === 'none' || heard?.state === 'reverted'
}

/** Nobody came to it. */
function isUntried(error: unknown): boolean {
  return error instanceof NotTriedError || (error instanceof ConnectError && error.reason === 'aborted')
}

async function preparedBy(
  host: Host,
  begun: Begun,
  tools: Tools,
  hear: (onHost: RunOnHost | null) => void,
): Promise<Prepared> {
  const { task, approved } = begun
  return connected(host, tools, async connection => {
    const onHost = await askAboutRun(connection, runDirectory(tools.run))
    hear(onHost)
    const surveyed = await surveyOver(connection, task, tools)
    // Nothing was begun there, or it is back where it was: as any other host.
    if (onHost === null || isSettled(onHost)) return asShown(readyToApply(surveyed, task, tools), begun)
    // No second look compares plans: what was approved is there already, or partly.
    const asApproved = { ...surveyed, plan: approved }
    if (onHost.state === 'kept') return { ...asApproved, act: async () => keptBefore(surveyed, approved, task) }
    return { ...asApproved, act: () => goOn(asApproved, begun, onHost, tools) }
  })
}

/** Throws StaleError where a saved plan would by now do something else than it showed. */
function asShown<T extends Survey>(surveyed: T, { approved, isSaved }: Begun): T {
  const why = isSaved ? whyStale(approved, surveyed.plan) : null
  if (why !== null) throw new StaleError(why, { hint: 'make a new plan: ctfix plan … --out FILE' })
  return surveyed
}

/** It was confirmed and written before we were broken off; whatever it is today, nobody takes it back unasked. */
function keptBefore({ facts, plan: again, host }: Survey, plan: Plan, task: Task): HostResult {
  const checks = judge(facts, again, { files: true, newConnection: host.connection === 'ssh' })
  const deciding = decisive(checks, reliefOf(task))
  if (passes(deciding)) return { status: 'changed', facts, plan, checks }
  const message = `it was changed and kept, and is not as it was left any more: ${failures(deciding)}`
  return { status: 'failed', facts, plan, checks, error: { message, hint: null } }
}

/** What was begun is proved and kept where there is time for it; else it is taken back. */
async function goOn(surveyed: Survey, begun: Begun, onHost: RunOnHost, tools: Tools): Promise<HostResult> {
  const { host, facts, plan, connection } = surveyed
  const work = undertake(host, facts, plan, begun.task, tools)
  const isOurs = onHost.sameBoot && ['armed', 'confirmed'].includes(onHost.state)
  const inTime = onHost.state !== 'armed' || onHost.secondsLeft > tools.windowSeconds + LEAST_TO_CONFIRM_SECONDS
  if (isOurs && inTime) {
    // What it was like before the change nobody can measure any more.
    using measuring = tools.outside?.begin(host, 'after') ?? null
    const result = await proveAndKeep(work, [connection], tools, { measuring })
    const proved = measuring ? await withProbes(result, measuring, host, tools) : result
    // The values were not there any more: it was taken back without being able to note that down.
    const wasBack = proved.checks.some(({ name, status }) => name === 'values-as-wanted' && status === 'fail')
    if (proved.status !== 'rolled-back' || !wasBack) return { plan, ...proved }
    return applyAgain(connection, begun, tools)
  }
  const back = await takeBack(work, [connection], [], `broken off in state ${onHost.state}`, tools)
  if (back.status !== 'rolled-back' && back.status !== 'failed') return { plan, ...back }
  return applyAgain(connection, begun, tools)
}

/** Back where it was: planned with the numbers that were approved, and applied as on any other host. */
async function applyAgain(connection: Connection, begun: Begun, tools: Tools): Promise<HostResult> {
  const surveyed = asShown(await surveyOver(connection, begun.task, tools), begun)
  return readyToApply(surveyed, begun.task, tools).act()
}
