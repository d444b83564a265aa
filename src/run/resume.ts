/** Going on with a run that was broken off: a host in doubt is asked first what became of it. */
import type { Host } from '../inventory/host.ts'
import type { Plan, Task } from '../plan/plan.ts'
import type { Connection } from '../transport/connection.ts'
import { decisive, failures, judge, passes } from './checks.ts'
import { type Prepared, readyToApply } from './commands.ts'
import type { HostResult } from './fleet.ts'
import { askAboutRun, type RunOnHost } from './on-host.ts'
import { proveAndKeep } from './prove.ts'
import { connected, type Survey, surveyOver } from './survey.ts'
import { takeBack } from './take-back.ts'
import { reliefOf, runDirectory, type Tools } from './tools.ts'
import { LEAST_TO_CONFIRM_SECONDS, undertake } from './undertaking.ts'

/** Looks at a host on which the run was begun; `approved` is what the record says was to be done there. */
export async function prepareResume(host: Host, task: Task, approved: Plan, tools: Tools): Promise<Prepared> {
  return connected(host, tools, async connection => {
    const onHost = await askAboutRun(connection, runDirectory(tools.run))
    const surveyed = await surveyOver(connection, task, tools)
    const ready = readyToApply(surveyed, task, tools)
    // Nothing was begun there, or it is back where it was: as any other host.
    if (onHost === null || onHost.state === 'none' || onHost.state === 'reverted') return ready
    if (onHost.state === 'kept')
      return { ...ready, plan: approved, act: async () => keptBefore(surveyed, approved, task) }
    return { ...ready, plan: approved, act: () => goOn({ ...surveyed, plan: approved }, task, onHost, tools) }
  })
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
async function goOn(surveyed: Survey, task: Task, onHost: RunOnHost, tools: Tools): Promise<HostResult> {
  const { host, facts, plan, connection } = surveyed
  const work = undertake(host, facts, plan, task, tools)
  const isOurs = onHost.sameBoot && ['armed', 'confirmed'].includes(onHost.state)
  const inTime = onHost.state !== 'armed' || onHost.secondsLeft > tools.windowSeconds + LEAST_TO_CONFIRM_SECONDS
  if (isOurs && inTime) {
    const proved = await proveAndKeep(work, [connection], tools)
    // The values were not there any more: it was taken back without being able to note that down.
    const wasBack = proved.checks.some(({ name, status }) => name === 'values-as-wanted' && status === 'fail')
    if (proved.status !== 'rolled-back' || !wasBack) return { plan, ...proved }
    return applyAgain(connection, task, tools)
  }
  const back = await takeBack(work, [connection], [], `broken off in state ${onHost.state}`, tools)
  if (back.status !== 'rolled-back' && back.status !== 'failed') return { plan, ...back }
  return applyAgain(connection, task, tools)
}

/** Back where it was: planned with the numbers that were approved, and applied as on any other host. */
async function applyAgain(connection: Connection, task: Task, tools: Tools): Promise<HostResult> {
  return readyToApply(await surveyOver(connection, task, tools), task, tools).act()
}
