/** Taking a run back by the host's own record of it: whoever reaches the host can do it, from wherever. */
import { ProbeError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { rollbackTask } from '../plan/rollback.ts'
import { type Prepared, readyToApply } from './commands.ts'
import type { HostResult } from './fleet.ts'
import { askAboutRun } from './on-host.ts'
import { connected, type Survey, surveyOver } from './survey.ts'
import { takeBack } from './take-back.ts'
import { runDirectory, type Tools } from './tools.ts'
import { undertake } from './undertaking.ts'

/** A run that the host knows nothing of. Where others know it, there is nothing to take back here. */
export class NoSuchRunError extends ProbeError {}

interface Wanted {
  /** The run to take back. */
  readonly of: string
  /** Also where somebody changed the same thing since. */
  readonly force: boolean
}

/** Looks at what the run left on a host, and plans the way back. */
export async function prepareRollback(host: Host, { of, force }: Wanted, tools: Tools): Promise<Prepared> {
  return connected(host, tools, async connection => {
    const onHost = await askAboutRun(connection, runDirectory(of))
    const { name } = host
    if (onHost === null) throw new NoSuchRunError(name, `${name}: the host has no record of run ${of}`)
    if (onHost.plan === null) throw new ProbeError(name, `${name}: the host's record of run ${of} cannot be read`)
    const task = rollbackTask(onHost.plan, of, force)
    const surveyed = await surveyOver(connection, task, tools)
    const ready = readyToApply(surveyed, task, tools)
    // A change that is not confirmed has a way back of its own, and its lock would refuse every other.
    // One that is only just beginning is called off: else it would change the host after we said that nothing is left.
    const isBeginning = onHost.state === 'none' && onHost.busy
    const isOpen = isBeginning || ['armed', 'confirmed', 'reverting'].includes(onHost.state)
    return isOpen ? { ...ready, act: () => endIt(surveyed, of, tools) } : ready
  })
}

async function endIt(surveyed: Survey, of: string, tools: Tools): Promise<HostResult> {
  const { host, facts, plan, connection } = surveyed
  if (plan.blockers.length > 0) return { status: 'blocked', facts, plan }
  const work = { ...undertake(host, facts, plan, { steps: [], force: false }, tools), runDir: runDirectory(of) }
  const back = await takeBack(work, [connection], [], 'it was not confirmed yet', tools)
  // Going back is what was asked for here.
  if (back.status === 'rolled-back') return { ...back, plan, status: 'changed', error: null }
  return back.status === 'failed' ? { ...back, plan, status: 'ok', error: null } : { ...back, plan }
}
