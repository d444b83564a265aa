/** `ctfix apply --resume RUN`: a run that was broken off goes on where it is. */
import { UsageError } from '../errors.ts'
import { prepareApply } from '../run/commands.ts'
import { reopenRecord } from '../run/record.ts'
import { type Progress, type RecordedRun, readRun } from '../run/recorded.ts'
import { prepareResume } from '../run/resume.ts'
import type { Outcome } from '../run/status.ts'
import { carryOut } from './carry-out.ts'
import { conclude, revertIn, tellWhatIsLeft } from './changing.ts'
import type { ApplyOptions } from './options.ts'
import { type Fleet, openFleet, openSession, stateDirectory } from './session.ts'
import { tasksOfRun } from './wanted.ts'

/** Hosts that are done keep their outcome; hosts in doubt are looked at first; the others are planned and applied. */
export async function resume(options: ApplyOptions, run: string): Promise<void> {
  if (options.strategy || options.playbook || options.set.length > 0) {
    throw new UsageError('--resume goes on with what the run was for: no --strategy, --playbook or --set with it')
  }
  const recorded = readRun(stateDirectory(options), run)
  if (recorded.command !== 'apply') {
    throw new UsageError(`run ${run} was a ${recorded.command}: give the same command again, it goes on by itself`)
  }
  const fleet = await openFleet(options)
  const hosts = hostsOf(recorded, fleet, options.limit !== undefined)
  const stopsAtPlan = options.check === true || options.dryRun === true
  const left = hosts.filter(({ name }) => doneOf(name, recorded) === null)
  const session = openSession(options, {
    total: left.length,
    phases: ['connect', 'probe', 'apply', 'verify', 'persist'],
    windowSeconds: options.window,
    revertInSeconds: revertIn(options),
    run,
  })
  const record = stopsAtPlan ? null : reopenRecord(stateDirectory(options), run)
  if (record) session.listen(record.write)
  tellWhatIsLeft(session)
  const tasks = tasksOfRun(recorded)
  const { tools } = session
  const worked = await carryOut(session, {
    hosts: left,
    prepare(host) {
      const task = tasks.get(host.name) ?? { steps: [], force: false }
      const { plan = null, step = null } = recorded.progress.get(host.name) ?? {}
      return plan && step ? prepareResume(host, task, plan, tools) : prepareApply(host, task, tools)
    },
    forks: options.forks,
    yes: options.yes === true,
    stopsAtPlan,
    question: pending => `Go on with ${pending} of ${hosts.length} hosts?`,
  })
  const byName = new Map(worked.map(outcome => [outcome.host, outcome]))
  const outcomes = hosts.flatMap(({ name }) => byName.get(name) ?? doneOf(name, recorded) ?? [])
  await conclude(session, options, { header: { run, command: 'apply', strategy: recorded.strategy }, record, outcomes })
}

/** The run's hosts as the inventory knows them today. */
function hostsOf({ run, hosts }: RecordedRun, fleet: Fleet, limited: boolean): Fleet['hosts'] {
  const known = fleet.hosts.filter(({ name }) => hosts.includes(name))
  if (known.length === 0) throw new UsageError(`run ${run} has none of these hosts`)
  const missing = hosts.filter(name => !known.some(host => host.name === name))
  if (missing.length === 0 || limited) return known
  throw new UsageError(`not in this inventory, but in run ${run}: ${missing.join(', ')} (--limit leaves them out)`)
}

/** The outcome of a host that needs nothing more, as it was recorded. */
function doneOf(host: string, { progress }: RecordedRun): Outcome | null {
  const { outcome = null, plan = null }: Partial<Progress> = progress.get(host) ?? {}
  if (outcome === null || (outcome.status !== 'changed' && outcome.status !== 'ok')) return null
  return { ...outcome, host, plan, facts: null, checks: [], elapsedMs: 0 }
}
