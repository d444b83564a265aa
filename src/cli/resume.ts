/** `ctfix apply --resume RUN`: a run that was broken off goes on where it is. */
import { NoMatchError, UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { prepareApply } from '../run/commands.ts'
import { reopenRecord } from '../run/record.ts'
import { type RecordedRun, readRun } from '../run/recorded.ts'
import { isInDoubt, prepareResume } from '../run/resume.ts'
import { recordedStretches } from '../run/rollout/recorded-rules.ts'
import type { Outcome } from '../run/status.ts'
import { reliefOf } from '../run/tools.ts'
import { openFleetAsThen } from './as-then.ts'
import { carryOut } from './carry-out.ts'
import { conclude, isDryRun, phasesOf, resumeLine, revertIn, tellWhatIsLeft, watchStop } from './changing.ts'
import type { ApplyOptions } from './options.ts'
import { outsideOf } from './outside.ts'
import { revertInBy, rulesIn, stretchesOf, withFlags } from './rollout.ts'
import { copyOf, savedWork, takeOnIntent } from './saved.ts'
import { type Fleet, openSession, stateDirectory } from './session.ts'
import { tasksOfRun } from './wanted.ts'

/** Hosts that are done keep their outcome; hosts in doubt are looked at first; the others are planned and applied. */
export async function resume(options: ApplyOptions, run: string): Promise<void> {
  if (options.strategy || options.playbook || options.plan || options.set.length > 0) {
    throw new UsageError(
      '--resume goes on with what the run was for: no --strategy, --playbook, --plan or --set with it',
    )
  }
  const recorded = readRun(stateDirectory(options), run)
  if (recorded.command !== 'apply') {
    throw new UsageError(`run ${run} was a ${recorded.command}: give the same command again, it goes on by itself`)
  }
  const fleet = await openFleetAsThen(options, recorded)
  const hosts = hostsOf(recorded, fleet, options.limit !== undefined)
  const stopsAtPlan = isDryRun(options)
  const left = hosts.filter(({ name }) => doneOf(name, recorded) === null)
  const before = recordedStretches(recorded.rollout, left)
  if (options.canary === undefined) refuseWithoutCanary(recorded, left)
  // A record of before there were batches says nothing of them.
  const stretches =
    before.length > 0
      ? withFlags(before, options, fleet)
      : stretchesOf(left.length > 0 ? [{ play: null, hosts: left }] : [], options, fleet)
  const outside = await outsideOf(options)
  const session = openSession(options, {
    total: left.length,
    phases: phasesOf(options),
    windowSeconds: options.window,
    revertInSeconds: revertIn(options),
    run,
  })
  const record = stopsAtPlan ? null : reopenRecord(stateDirectory(options), run)
  if (record) session.record(record)
  tellWhatIsLeft(session, resumeLine(run))
  const stopped = watchStop(session)
  const revertInOf = revertInBy(stretches)
  const tasks = tasksOfRun(recorded)
  const copy = copyOf(recorded.directory)
  const saved = copy && savedWork(copy, fleet, options.limit !== undefined)
  if (copy && record) takeOnIntent(copy, { stateDir: stateDirectory(options), session })
  const worked = await carryOut(session, {
    hosts: left,
    prepare(host) {
      const tools = { ...session.tools, ...outside, ...revertInOf(host) }
      const task = tasks.get(host.name) ?? { steps: [], force: false }
      const { plan = null, step = null, outcome = null } = recorded.progress.get(host.name) ?? {}
      if (plan && step) return prepareResume(host, { task, approved: plan, isSaved: saved !== null, outcome }, tools)
      return saved?.prepare(host, tools) ?? prepareApply(host, task, tools)
    },
    forks: options.forks,
    yes: options.yes === true,
    stopsAtPlan,
    stretches,
    relief: ({ name }) => reliefOf(tasks.get(name) ?? { steps: [], force: false }),
    question: pending => `Go on with ${pending} of ${hosts.length} hosts?`,
  })
  const byName = new Map(worked.map(outcome => [outcome.host, stillInDoubt(outcome, recorded)]))
  const outcomes = hosts.flatMap(({ name }) => byName.get(name) ?? doneOf(name, recorded) ?? [])
  // Rules as well as `stopped` count the batches of those that were left.
  const header = { run, command: 'apply', strategy: recorded.strategy, ...rulesIn(stretches), ...stopped() }
  await conclude(session, options, { header, record, outcomes, goOn: resumeLine(run) })
}

/** The run's hosts as the inventory knows them today. */
function hostsOf({ run, hosts }: RecordedRun, fleet: Fleet, limited: boolean): Fleet['hosts'] {
  const ofRun = new Set(hosts)
  const known = fleet.hosts.filter(({ name }) => ofRun.has(name))
  if (known.length === 0) throw new UsageError(`run ${run} has none of these hosts`)
  const found = new Set(known.map(({ name }) => name))
  const missing = hosts.filter(name => !found.has(name))
  if (missing.length === 0 || limited) return known
  throw new UsageError(`not in this inventory, but in run ${run}: ${missing.join(', ')} (--limit leaves them out)`)
}

/** Throws where --limit, or an exclusion of since then, leaves out a host of a canary that has not passed yet. */
function refuseWithoutCanary(recorded: RecordedRun, left: readonly Host[]): void {
  const workable = new Set(left.flatMap(({ name, exclude }) => (exclude === null ? [name] : [])))
  for (const { hosts, canary } of recorded.rollout) {
    const others = hosts.filter(name => workable.has(name) && !canary.includes(name))
    const absent = canary.find(name => !workable.has(name) && doneOf(name, recorded) === null)
    if (absent === undefined || others.length === 0) continue
    throw new NoMatchError(`run ${recorded.run}: ${absent} of its canary did not pass, and is not among these hosts`, {
      hint: '--canary PATTERN names another',
    })
  }
}

/** Who was begun, and was not come to this time, is what it was before: nobody knows. */
function stillInDoubt(outcome: Outcome, { progress }: RecordedRun): Outcome {
  const before = progress.get(outcome.host)
  if (outcome.status !== 'skipped' || before === undefined || !isInDoubt(before)) return outcome
  const message = `it was begun before, and nobody asked what became of that: ${outcome.error?.message ?? ''}`
  return { ...outcome, status: 'unknown', error: { message, hint: outcome.error?.hint ?? null } }
}

/** The outcome of a host that needs nothing more, as it was recorded. */
function doneOf(host: string, { progress }: RecordedRun): Outcome | null {
  const { outcome = null, plan = null, checks = [], elapsedMs, probes = [] } = progress.get(host) ?? {}
  if (outcome === null || (outcome.status !== 'changed' && outcome.status !== 'ok')) return null
  const { status, cause, error, digest } = outcome
  const measured = probes.length > 0 ? { probes } : {}
  return { host, status, cause, error, digest, plan, checks, facts: null, elapsedMs: elapsedMs ?? 0, ...measured }
}
