/** Survey every host, show the plans, ask once, act batch by batch: what apply and rollback have in common. */
import type { Host } from '../inventory/host.ts'
import { factsOf, type Prepare } from '../run/commands.ts'
import { eachHost, type FleetOptions } from '../run/fleet.ts'
import { type Batch, batchesOf } from '../run/rollout/batches.ts'
import { createGates, type GateTools } from '../run/rollout/gates.ts'
import { byPressure } from '../run/rollout/pressure.ts'
import { type Course, rollOut } from '../run/rollout/roll-out.ts'
import { NO_RULES, type Stretch } from '../run/rollout/rules.ts'
import type { Outcome } from '../run/status.ts'
import { askYes } from './ask.ts'
import { actOn, Looks, lookAt } from './looks.ts'
import { sayRules } from './rollout.ts'
import type { Session } from './session.ts'

export interface Work {
  readonly hosts: readonly Host[]
  /** Looks at a host; what comes back knows what to do there. */
  readonly prepare: Prepare
  readonly forks: number
  /** Do not ask. */
  readonly yes: boolean
  /** A dry run is stopping here. */
  readonly stopsAtPlan: boolean
  /** The question, for so many of the hosts. */
  readonly question: (pending: number) => string
  /** Batches, limits and gates; left out: all hosts at once. */
  readonly stretches?: readonly Stretch[]
  /** How soon a change shows there: packets that are lost after it stop the run. Left out: nobody looks. */
  readonly relief?: GateTools['relief']
}

/**
 * Connections of the survey are kept for the batch that is about to run, where that is few enough: on a host whose table
 * is full the next one may take a minute to get.
 */
export async function carryOut(session: Session, work: Work): Promise<Outcome[]> {
  const { tools, view, stop } = session
  const { hosts, prepare, yes, stopsAtPlan, relief = () => null } = work
  const stretches = work.stretches ?? [allAtOnce(hosts)]
  const batches = batchesOf(stretches)
  const fleet = { forks: work.forks, stop, emit: tools.emit, ready: view.ready }
  const course: Course = { hosts, batches, between: gatesOf(session, work.forks, relief) }
  if (yes && !stopsAtPlan && (hosts.length > work.forks || batches.length > 1)) {
    // Nobody waits for the plans: each host goes its whole way on one connection.
    sayRules(stretches, work.relief !== undefined)
    await using looks = new Looks()
    const arrange = (batch: Batch): Promise<readonly Host[]> => arrangeByLook(batch, looks, { fleet, prepare })
    const outcomes = await rollOut({ ...course, arrange }, fleet, host =>
      actOn(host, looks, { prepare, asked: false, isShown: false }),
    )
    await view.settle()
    await view.plans(outcomes)
    return outcomes
  }
  const first = new Set(stopsAtPlan ? [] : namesWithin(batches[0], work.forks))
  const silent = { ...fleet, emit: stopsAtPlan ? tools.emit : session.onLook }
  await using looks = new Looks()
  const planned = await eachHost(hosts, silent, host => lookAt(host, looks, { prepare, hold: first.has(host.name) }))
  looks.add(planned)
  await view.settle()
  await view.plans(planned)
  // Who has pressed Ctrl-C has answered; the hosts are then skipped one by one, so that the record has them all.
  const isAsked = !yes && !stop.aborted
  if (isAsked && !stopsAtPlan) await view.ask?.(planned)
  sayRules(stretches, work.relief !== undefined)
  if (stopsAtPlan) return planned
  const pending = planned.filter(({ status }) => status === 'would-change')
  const approved = pending.length === 0 || !isAsked || (await askYes(work.question(pending.length)))
  if (!approved && !stop.aborted) {
    process.stderr.write('ctfix: not confirmed, so nothing was changed\n')
    return planned
  }
  const arrange = async (batch: Batch): Promise<readonly Host[]> => arranged(batch, looks)
  const outcomes = await rollOut({ ...course, arrange }, fleet, host =>
    actOn(host, looks, { prepare, asked: !yes, isShown: true }),
  )
  return outcomes.map(outcome => ({ ...outcome, elapsedMs: outcome.elapsedMs + looks.elapsedMs(outcome.host) }))
}

function allAtOnce(hosts: readonly Host[]): Stretch {
  return { name: null, hosts, rules: NO_RULES, total: hosts.length, revertInSeconds: null }
}

function namesWithin(batch: Batch | undefined, most: number): readonly string[] {
  return batch && batch.hosts.length <= most ? batch.hosts.map(({ name }) => name) : []
}

/** The order inside a batch, where its hosts were looked at. */
function arranged({ hosts, stretch }: Batch, looks: Looks): readonly Host[] {
  return stretch.rules.order === 'pressure' ? byPressure(hosts, ({ name }) => looks.usage(name)) : hosts
}

interface Looking {
  readonly fleet: FleetOptions
  readonly prepare: Prepare
}

/** The same where they were not: they are now, if the order asks for it. */
async function arrangeByLook(batch: Batch, looks: Looks, { fleet, prepare }: Looking): Promise<readonly Host[]> {
  if (batch.stretch.rules.order === 'inventory' || batch.hosts.length === 1) return batch.hosts
  const hold = batch.hosts.length <= fleet.forks
  const silent = { ...fleet, emit: () => {} }
  looks.add(await eachHost(batch.hosts, silent, host => lookAt(host, looks, { prepare, hold })))
  return arranged(batch, looks)
}

function gatesOf({ tools, stop }: Session, forks: number, relief: GateTools['relief']): NonNullable<Course['between']> {
  const quiet = { ...tools, emit: () => {} }
  return createGates({
    run: tools.run,
    emit: tools.emit,
    stop,
    relief,
    most: forks,
    async look(hosts) {
      const seen = await eachHost(hosts, { forks, stop, emit: quiet.emit }, host => factsOf(host, quiet))
      return new Map(seen.map(({ host, facts }) => [host, facts]))
    },
  })
}
