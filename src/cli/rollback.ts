/** `ctfix rollback RUN`: what a run changed goes back, where nobody changed it since. */
import { ConfigError, NoMatchError, UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { openRecord } from '../run/record.ts'
import { type RecordedRun, readRun } from '../run/recorded.ts'
import { NoSuchRunError, prepareRollback } from '../run/rollback.ts'
import { isRunId } from '../run/run-id.ts'
import type { Outcome, Status } from '../run/status.ts'
import { checkBecome } from '../transport/become.ts'
import { carryOut } from './carry-out.ts'
import { conclude, refuseWithoutAnybody, revertIn, signature, tellWhatIsLeft } from './changing.ts'
import type { GuardOptions, SharedOptions } from './options.ts'
import { openFleet, openSession, stateDirectory } from './session.ts'

/** A host that ended so was left as it was. */
const LEFT_ALONE: readonly Status[] = ['failed', 'blocked', 'unreachable', 'skipped']

interface RollbackOptions extends SharedOptions, GuardOptions {
  readonly force?: boolean
}

/** Shows the way back, asks, goes it, proves it over a new connection. */
export async function rollback(run: string, options: RollbackOptions): Promise<void> {
  const of = ourRunId(run)
  refuseWithoutAnybody('rollback', options)
  const fleet = await openFleet(options)
  const recorded = recordOf(stateDirectory(options), of)
  const targeted = fleet.hosts.filter(({ name }) => recorded === null || recorded.hosts.includes(name))
  if (targeted.length === 0) throw new NoMatchError(`run ${of} has none of these hosts`)
  // What our own record says was never begun is not asked.
  const hosts = targeted.filter(({ name }) => recorded === null || recorded.progress.get(name)?.step)
  for (const host of hosts) if (host.exclude === null) checkBecome(host)
  const stopsAtPlan = options.check === true || options.dryRun === true
  const session = openSession(options, {
    total: hosts.length,
    phases: stopsAtPlan ? ['connect', 'probe'] : ['connect', 'probe', 'apply', 'verify', 'persist'],
    revertInSeconds: revertIn({ ...options, window: 0 }),
  })
  const header = { run: session.run, command: 'rollback', strategy: ['rollback'] }
  const names = targeted.map(({ name }) => name)
  const record = stopsAtPlan
    ? null
    : openRecord(stateDirectory(options), session.run, { ...header, ...signature(), of, hosts: names })
  if (record) session.listen(record.write)
  tellWhatIsLeft(session)

  const strangers = new Set<string>()
  const outcomes = await carryOut(session, {
    hosts,
    prepare: host => prepare(host, strangers),
    forks: options.forks,
    yes: options.yes === true,
    stopsAtPlan,
    question: pending => `Take back run ${of} on ${pending} of ${hosts.length} hosts?`,
  })
  const judged = new Map(outcomes.map(outcome => [outcome.host, judgeStranger(outcome)]))
  const all = names.map(name => judged.get(name) ?? untouched(name))
  await conclude(session, options, { header, record, outcomes: all })

  async function prepare(host: Host, unknown: Set<string>): ReturnType<typeof prepareRollback> {
    try {
      return await prepareRollback(host, { of, force: options.force === true }, session.tools)
    } catch (error) {
      if (error instanceof NoSuchRunError) unknown.add(host.name)
      throw error
    }
  }

  /**
   * A run touches some hosts of an inventory. A host that does not know it was not among them where another one does, and
   * was left as it was where our record says so.
   */
  function judgeStranger(outcome: Outcome): Outcome {
    const ended = recorded?.progress.get(outcome.host)?.outcome?.status
    const isUntouched =
      recorded === null ? strangers.size < hosts.length : ended !== undefined && LEFT_ALONE.includes(ended)
    return strangers.has(outcome.host) && isUntouched ? { ...outcome, status: 'ok' } : outcome
  }
}

/** Hosts are asked for a run of a colleague's, too, but not for what cannot be one. */
function ourRunId(text: string): string {
  if (isRunId(text)) return text
  throw new UsageError(`expected the id of a run (26 letters and digits), got ${text}`, { hint: 'ctfix runs list' })
}

function untouched(host: string): Outcome {
  const error = { message: 'the run changed nothing here', hint: null }
  return { host, status: 'ok', cause: null, facts: null, plan: null, checks: [], error, digest: null, elapsedMs: 0 }
}

/** Our own record of the run; null where there is none here: a colleague's run. */
function recordOf(stateDir: string, run: string): RecordedRun | null {
  try {
    return readRun(stateDir, run)
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
