/** `ctfix rollback RUN`: what a run changed goes back, where nobody changed it since. */
import { ConfigError, NoMatchError, UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { openRecord } from '../run/record.ts'
import { NoRunError, type RecordedRun, readRun } from '../run/recorded.ts'
import { readResult } from '../run/result-file.ts'
import { NoSuchRunError, prepareRollback } from '../run/rollback.ts'
import { isRunId } from '../run/run-id.ts'
import type { Outcome, Status } from '../run/status.ts'
import { runDirectory } from '../run/tools.ts'
import { checkBecome } from '../transport/become.ts'
import { openFleetAsThen } from './as-then.ts'
import { carryOut } from './carry-out.ts'
import {
  conclude,
  isDryRun,
  phasesOf,
  refuseWithoutAnybody,
  revertIn,
  rollbackLine,
  signature,
  tellWhatIsLeft,
  watchStop,
} from './changing.ts'
import type { GuardOptions, SharedOptions } from './options.ts'
import { rulesIn, stretchesOf } from './rollout.ts'
import type { RolloutOptions } from './rollout-options.ts'
import { type Fleet, openSession, stateDirectory } from './session.ts'

/** A host that ended so was left as it was. */
const LEFT_ALONE: readonly Status[] = ['failed', 'blocked', 'unreachable', 'skipped']
const AS_BEFORE: readonly Status[] = [...LEFT_ALONE, 'ok', 'rolled-back']

interface RollbackOptions extends SharedOptions, GuardOptions, RolloutOptions {
  readonly force?: boolean
}

/** Shows the way back, asks, goes it, proves it over a new connection. */
export async function rollback(run: string, options: RollbackOptions): Promise<void> {
  const of = ourRunId(run)
  refuseWithoutAnybody('rollback', options)
  const recorded = recordOf(stateDirectory(options), of)
  const fleet = await openFleetAsThen(options, recorded)
  const ofRun = recorded && new Set(recorded.hosts)
  const targeted = fleet.hosts.filter(({ name }) => ofRun === null || ofRun.has(name))
  if (targeted.length === 0) throw new NoMatchError(`run ${of} has none of these hosts`)
  const wasBegun = recorded === null ? () => true : begunIn(recorded)
  // What our own record says was never begun is not asked.
  const hosts = targeted.filter(({ name }) => wasBegun(name))
  for (const host of hosts) if (host.exclude === null) checkBecome(host)
  const guard = { ...options, window: 0 }
  const stretches = hosts.length > 0 ? stretchesOf([{ play: null, hosts }], guard, fleet) : []
  const stopsAtPlan = isDryRun(options)
  const session = openSession(options, {
    total: hosts.length,
    phases: phasesOf(options),
    revertInSeconds: revertIn(guard),
  })
  const header = { run: session.run, command: 'rollback', strategy: ['rollback'] }
  const gone = recorded && options.limit === undefined ? goneOf(recorded, fleet, wasBegun) : new Map<string, Outcome>()
  const names = [...targeted.map(({ name }) => name), ...gone.keys()]
  const record = stopsAtPlan
    ? null
    : openRecord(stateDirectory(options), session.run, { ...header, ...signature(), of, hosts: names })
  if (record) session.record(record)
  // Known from the beginning, also where this run is broken off.
  const worked = new Set(hosts.map(({ name }) => name))
  const idle = names.filter(name => !worked.has(name))
  const left = new Map(idle.map(name => [name, gone.get(name) ?? untouched(name)]))
  for (const [host, outcome] of left) record?.write({ type: 'outcome', host, outcome })
  const goOn = rollbackLine(of)
  tellWhatIsLeft(session, goOn)
  const stopped = watchStop(session)

  const strangers = new Set<string>()
  const outcomes = await carryOut(session, {
    hosts,
    prepare: host => prepare(host, strangers),
    forks: options.forks,
    yes: options.yes === true,
    stopsAtPlan,
    stretches,
    question: pending => `Take back run ${of} on ${pending} of ${hosts.length} hosts?`,
  })
  const judged = new Map(outcomes.map(outcome => [outcome.host, judgeStranger(outcome)]))
  const all = names.flatMap(name => judged.get(name) ?? left.get(name) ?? [])
  const told = { ...header, ...rulesIn(stretches, false), ...stopped() }
  await conclude(session, options, { header: told, record, outcomes: all, goOn })

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

/** Nobody has to go there to say this of a host. */
function unasked(host: string, status: Status, message: string, hint: string | null = null): Outcome {
  const error = { message, hint }
  return { host, status, cause: null, facts: null, plan: null, checks: [], error, digest: null, elapsedMs: 0 }
}

function untouched(host: string): Outcome {
  return unasked(host, 'ok', 'the run changed nothing here')
}

/** Hosts of the run that nobody finds any more: what it did there stays, and that is no success. */
function goneOf(
  { run, hosts, progress }: RecordedRun,
  { inventory }: Fleet,
  wasBegun: (host: string) => boolean,
): Map<string, Outcome> {
  const known = new Set(inventory.names)
  return new Map(
    hosts
      .filter(name => !known.has(name))
      .map(name => {
        const { outcome = null } = progress.get(name) ?? {}
        if (!wasBegun(name) || (outcome !== null && AS_BEFORE.includes(outcome.status))) return [name, untouched(name)]
        const isKnown = outcome !== null && outcome.status !== 'unknown' && outcome.status !== 'rollback-failed'
        const left = isKnown ? 'what the run did there stays' : 'and what the run did there nobody knows'
        const hint = `an inventory that has it; on the host: sh ${runDirectory(run)}/guard.sh revert ${runDirectory(run)}`
        const message = `it is not in this inventory any more: ${left}`
        return [name, unasked(name, isKnown ? 'failed' : 'unknown', message, hint)]
      }),
  )
}

/** Our own record of the run; null where there is none here: a colleague's run. One that cannot be read is an error. */
function recordOf(stateDir: string, run: string): RecordedRun | null {
  try {
    return readRun(stateDir, run)
  } catch (error) {
    if (error instanceof NoRunError) return null
    if (!(error instanceof ConfigError)) throw error
    const hint = 'with the --state-dir of another, empty directory all hosts of -i are asked instead'
    throw new ConfigError(error.message, { cause: error, hint })
  }
}

/** Lines of the record may be lost; what it says at its end counts as well. */
function begunIn({ progress, directory }: RecordedRun): (host: string) => boolean {
  const { hosts: ended } = readResult(directory)
  return name => {
    const status = ended.get(name)?.status ?? 'ok'
    return Boolean(progress.get(name)?.step) || !AS_BEFORE.includes(status)
  }
}
