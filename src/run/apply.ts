/**
 * One host's way through an apply, as a straight line:
 * lock, check, arm the guard and change live values ▸ NEW connection ▸ verify ▸ confirm, write files ▸ verify again.
 * Until it is confirmed the host takes itself back without us; whatever is lost on the way, the host is asked what is.
 */
import { ConnectError, messageOf } from '../errors.ts'
import { compile } from '../plan/compile.ts'
import type { Plan, Task } from '../plan/plan.ts'
import { stageProgram } from '../plan/programs.ts'
import type { Connection } from '../transport/connection.ts'
import { type Applied, isUnsent, verdictOf } from './applied.ts'
import { REMOTE } from './codes.ts'
import { intend } from './intent.ts'
import { measureBefore, withProbes } from './outside/measured.ts'
import type { Measuring } from './outside/outside.ts'
import { proveAndKeep } from './prove.ts'
import { askServices } from './services.ts'
import type { Survey } from './survey.ts'
import { takeBack } from './take-back.ts'
import { changeLibrary, guardProgram, ownerText, type Tools } from './tools.ts'
import { type Undertaking, undertake } from './undertaking.ts'

/** Live changes are a few writes and a rehash; a table of millions takes seconds to rehash. */
const APPLY_SECONDS = 120
/** When the guard has fired an answer cannot be a good one any more, and one that was cut off never comes. */
const AFTER_GUARD_SECONDS = 10

/** Applies a plan that has changes and no blockers. */
export async function applyPlan(surveyed: Survey, task: Task, tools: Tools): Promise<Applied> {
  using measuring = await measureBefore(surveyed.host, tools)
  const applied = await change(surveyed, task, tools, measuring)
  return measuring ? await withProbes(applied, measuring, surveyed.host, tools) : applied
}

async function change(
  { host, facts, plan, connection }: Survey,
  task: Task,
  tools: Tools,
  measuring: Measuring | null,
): Promise<Applied> {
  const services = await askServices(host, task)
  const work = undertake(host, facts, plan, task, tools)
  measuring?.enter('during')
  const stopped = await start(connection, work, tools)
  if (stopped) return stopped

  tools.emit({ type: 'phase', host: host.name, phase: 'verify' })
  let fresh: Connection
  try {
    fresh = await tools.connect(host, tools.signal)
  } catch (error) {
    measuring?.stop()
    return takeBack(work, [connection], [], `no new connection after the change: ${messageOf(error)}`, tools)
  }
  await using proof = fresh
  measuring?.enter('after')
  // Awaited here: what is returned unawaited outlives the connection it works on.
  return await proveAndKeep(work, [proof, connection], tools, { services, measuring })
}

/** One exec: fills the run directory, arms the guard, changes live values. Resolves to how it ended, or null when well. */
async function start(connection: Connection, work: Undertaking, tools: Tools): Promise<Applied | null> {
  const { host, plan, runDir, facts } = work
  tools.emit({ type: 'phase', host: host.name, phase: 'apply' })
  await intend({ host: host.name, step: 'apply', runDir }, tools)
  try {
    const seconds = Math.min(APPLY_SECONDS, tools.revertInSeconds + AFTER_GUARD_SECONDS)
    const stdin = stageProgram({ runDir, files: filesOf(plan, tools), revertInSeconds: tools.revertInSeconds })
    const { exitCode, stderr } = await connection.exec('/bin/sh -s', { stdin, deadlineMs: seconds * 1000 })
    if (exitCode === REMOTE.ok) return null
    const verdict = verdictOf(exitCode, stderr, runDir)
    if (verdict.status !== 'unknown') return { facts, checks: [], ...verdict }
    // The script itself was ended, by nobody knows whom: the host is asked.
    return takeBack(work, [connection], [], verdict.error?.message ?? '', tools)
  } catch (error) {
    if (!isUnsent(error)) return takeBack(work, [connection], [], messageOf(error), tools)
    const message = `nothing was changed: ${messageOf(error)}`
    const status = error instanceof ConnectError ? 'unreachable' : 'failed'
    return { status, facts, checks: [], error: { message, hint: error.hint ?? null } }
  }
}

/** What lies in the run directory: whoever finds it there later needs nothing else to go on, or back. */
function filesOf(plan: Plan, tools: Tools): Map<string, string> {
  const { apply, undo } = compile(plan, '')
  const scripts = compile(plan, changeLibrary(`${apply}\n${undo}`))
  return new Map([
    ['undo.sh', scripts.undo],
    ['apply.sh', scripts.apply],
    ['guard.sh', guardProgram()],
    ['owner', ownerText(tools)],
    ['plan.json', `${JSON.stringify({ run: tools.run, ...plan }, null, 2)}\n`],
  ])
}
