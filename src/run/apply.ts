/**
 * One host's way through an apply, as a straight line:
 * stage and change live values ▸ NEW connection ▸ verify ▸ write files ▸ verify again.
 * Files come last, so until then a reboot is also a way back; the script that takes everything back lies on the host
 * before the first change.
 */
import { ConnectError, messageOf } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { gatherFacts, runProbe } from '../facts/gather.ts'
import { parseProbe } from '../facts/parse.ts'
import { parseFrames } from '../lang/frames.ts'
import { lastLine } from '../lang/text.ts'
import { compile, persistPrelude, stageProgram, undoProgram } from '../plan/compile.ts'
import { makePlan, type Plan, settledTask, type Task } from '../plan/plan.ts'
import type { Connection } from '../transport/connection.ts'
import { type Check, decisive, failures, isSymptom, judge, passes } from './checks.ts'
import { REMOTE } from './codes.ts'
import type { Cause, Status } from './status.ts'
import type { Survey } from './survey.ts'
import { changeLibrary, probeNeeds, reliefOf, runDirectory, type Tools } from './tools.ts'

/** How an apply ended; exceptions are for what broke before anything was touched. */
export interface Applied {
  readonly status: Status
  readonly cause?: Cause
  readonly facts: Facts
  readonly checks: readonly Check[]
  readonly error: { readonly message: string; readonly hint: string | null } | null
}

/** Live changes are a few writes and a rehash; a table of millions takes seconds to rehash. */
const APPLY_DEADLINE_MS = 120_000

/** Applies a plan that has changes and no blockers. */
export async function applyPlan({ host, facts, plan, connection }: Survey, task: Task, tools: Tools): Promise<Applied> {
  const runDir = runDirectory(tools.run)
  const stopped = await stageAndChange(connection, plan, runDir, facts, tools)
  if (stopped) return stopped

  tools.emit({ type: 'phase', host: host.name, phase: 'verify' })
  let fresh: Connection
  try {
    fresh = await tools.connect(host, tools.signal)
  } catch (error) {
    return takeBack([connection], runDir, facts, [], `no new connection after the change: ${messageOf(error)}`, tools)
  }
  await using proof = fresh
  // Awaited here: what is returned unawaited outlives the connection it works on.
  return await proveAndKeep(
    proof,
    connection,
    { host: host.name, plan, task: settledTask(plan, task), runDir, facts },
    tools,
  )
}

/** One exec: fills the run directory and changes live values. Resolves to how it ended, or null when it went well. */
async function stageAndChange(
  connection: Connection,
  plan: Plan,
  runDir: string,
  facts: Facts,
  tools: Tools,
): Promise<Applied | null> {
  const scripts = compile(plan, changeLibrary())
  const files = new Map([
    ['undo.sh', scripts.undo],
    ['apply.sh', scripts.apply],
    ['persist.sh', scripts.persist],
    ['plan.json', `${JSON.stringify({ run: tools.run, ...plan }, null, 2)}\n`],
  ])
  tools.emit({ type: 'phase', host: plan.host, phase: 'apply' })
  tools.emit({ type: 'intent', host: plan.host, step: 'apply', runDir })
  try {
    const stdin = stageProgram(runDir, files)
    const { exitCode, stderr } = await connection.exec('/bin/sh -s', { stdin, deadlineMs: APPLY_DEADLINE_MS })
    return exitCode === REMOTE.ok ? null : { facts, checks: [], ...verdict(exitCode, stderr, runDir) }
  } catch (error) {
    if (!isUnsent(error)) return lostOutcome(plan.host, error, facts, runDir)
    const message = `nothing was changed: ${messageOf(error)}`
    return { status: 'unreachable', facts, checks: [], error: { message, hint: error.hint ?? null } }
  }
}

/** The connection said so before the command was on its way: the host is as it was. */
function isUnsent(error: unknown): error is ConnectError {
  return error instanceof ConnectError && (error.reason === 'closed' || error.reason === 'protocol')
}

/** What an exit code of our scripts means. */
function verdict(exitCode: number, stderr: string, runDir: string): Omit<Applied, 'facts' | 'checks'> {
  const said = lastLine(stderr.replaceAll('ctfix: taking back what was done\n', ''))
  const error = (text: string, hint: string | null = null): Applied['error'] => ({
    message: `${text}: ${said}`,
    hint,
  })
  switch (exitCode) {
    case REMOTE.stale:
      return { status: 'failed', cause: 'stale', error: error('the host changed since the plan was made') }
    case REMOTE.notStaged:
      return { status: 'failed', error: error('nothing was changed') }
    case REMOTE.undone:
      return { status: 'rolled-back', error: error('a change failed and all was taken back') }
    case REMOTE.undoFailed:
      return {
        status: 'rollback-failed',
        error: error('a change failed, and so did taking it back', `on the host: see ${runDir}/log and undo.sh there`),
      }
    default:
      return {
        status: 'unknown',
        error: error(`the change ended with exit code ${exitCode}`, `on the host: see ${runDir}`),
      }
  }
}

/** The connection went away under a change: what it did is not known, and it is never sent twice. */
function lostOutcome(host: string, error: unknown, facts: Facts, runDir: string): Applied {
  const hint = `look with: ctfix facts --limit ${host}; to take it back on the host: sh ${runDir}/undo.sh ${runDir}`
  return { status: 'unknown', facts, checks: [], error: { message: messageOf(error), hint } }
}

interface Proof {
  readonly host: string
  readonly plan: Plan
  readonly task: Task
  readonly runDir: string
  readonly facts: Facts
}

/** Over the new connection: is it as wanted and the symptom gone? Then files, and the same question once more. */
async function proveAndKeep(fresh: Connection, old: Connection, proof: Proof, tools: Tools): Promise<Applied> {
  const { host, task, runDir } = proof
  let { facts } = proof
  let checks: readonly Check[] = []
  const newConnection = fresh.host.connection === 'ssh'
  const deciding = (): readonly Check[] => decisive(checks, reliefOf(task))
  const back = (why: string): Promise<Applied> => takeBack([fresh, old], runDir, facts, checks, why, tools)
  try {
    facts = await gatherFacts(fresh, { windowSeconds: tools.windowSeconds, ...probeNeeds(task) })
    checks = judge(facts, makePlan(host, task, facts), { files: false, newConnection })
    if (!passes(deciding())) return await back(`not cured: ${failures(deciding())}`)
  } catch (error) {
    return back(`could not be proved: ${messageOf(error)}`)
  }
  tools.emit({ type: 'phase', host, phase: 'persist' })
  tools.emit({ type: 'intent', host, step: 'persist', runDir })
  try {
    const { nonce, stdout } = await runProbe(fresh, {
      ...probeNeeds(task),
      prelude: { text: id => persistPrelude(runDir, id), deadlineMs: APPLY_DEADLINE_MS },
    })
    const failed = persistVerdict(parseFrames(stdout, nonce).get('persist') ?? '', runDir)
    if (failed) return { facts, checks, ...failed }
    const kept = parseProbe(host, stdout, nonce)
    // The window was watched before; the second look adds the files.
    checks = judge({ ...kept, earlier: null }, makePlan(host, task, kept), { files: true, newConnection }).concat(
      checks.filter(isSymptom),
    )
    facts = { ...kept, earlier: facts.earlier }
  } catch (error) {
    if (error instanceof ConnectError && !isUnsent(error)) return lostOutcome(host, error, facts, runDir)
    return back(messageOf(error))
  }
  if (!passes(deciding())) return back(`not kept: ${failures(deciding())}`)
  return { status: 'changed', facts, checks, error: null }
}

function persistVerdict(frame: string, runDir: string): Omit<Applied, 'facts' | 'checks'> | null {
  const [code = '', ...log] = frame.split('\n')
  return code === '0' ? null : verdict(Number.parseInt(code, 10), log.join('\n'), runDir)
}

/** Runs undo.sh over the first connection that still answers, or else over a new one: it may safely run twice. */
async function takeBack(
  connections: readonly [Connection, ...Connection[]],
  runDir: string,
  facts: Facts,
  checks: readonly Check[],
  why: string,
  tools: Tools,
): Promise<Applied> {
  const [{ host }] = connections
  tools.emit({ type: 'intent', host: host.name, step: 'undo', runDir })
  const over = async (connection: Connection): Promise<Applied> => {
    const stdin = undoProgram(runDir)
    const { exitCode, stderr } = await connection.exec('/bin/sh -s', { stdin, deadlineMs: APPLY_DEADLINE_MS })
    if (exitCode === 0) return { status: 'rolled-back', facts, checks, error: { message: why, hint: null } }
    const message = `${why}; taking it back failed: ${lastLine(stderr)}`
    return { status: 'rollback-failed', facts, checks, error: { message, hint: `on the host: see ${runDir}` } }
  }
  for (const connection of connections) {
    if (!connection.alive) continue
    // One that breaks here is not alive any more; the next one says the same or better.
    const applied = await over(connection).catch(() => null)
    if (applied) return applied
  }
  try {
    await using again = await tools.connect(host, tools.signal)
    return await over(again)
  } catch (error) {
    const message = `${why}; and no connection is left to take it back over: ${messageOf(error)}`
    return lostOutcome(host.name, new Error(message), facts, runDir)
  }
}
