/** Survey every host, show the plans, ask once, act: what apply and rollback have in common. */
import type { Host } from '../inventory/host.ts'
import { isSamePlan, type Plan } from '../plan/plan.ts'
import { applyOf, type Prepare, type Prepared, planOf } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import type { Outcome } from '../run/status.ts'
import { askYes } from './ask.ts'
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
}

/**
 * Connections of the survey are kept where that is few enough: on a host whose table is full the next one may take a
 * minute to get.
 */
export async function carryOut(session: Session, work: Work): Promise<Outcome[]> {
  const { tools, view, stop } = session
  const { hosts, prepare, yes, stopsAtPlan } = work
  const fleet = { forks: work.forks, stop, emit: tools.emit }
  if (yes && !stopsAtPlan && hosts.length > work.forks) {
    // Nobody waits for the plans: each host goes its whole way on one connection.
    const outcomes = await eachHost(hosts, fleet, host => applyOf(host, prepare))
    await view.settle()
    view.plans(outcomes)
    return outcomes
  }
  const seen = new Map<string, Prepared>()
  const keeping = {
    hold: !stopsAtPlan && hosts.length <= work.forks,
    keep: (prepared: Prepared): void => void seen.set(prepared.host.name, prepared),
  }
  const silent = { ...fleet, emit: stopsAtPlan ? tools.emit : () => {} }
  const planned = await eachHost(hosts, silent, host => planOf(host, prepare, keeping))
  await view.settle()
  view.plans(planned)
  if (stopsAtPlan) return planned
  if (!yes) view.ask?.(planned)
  const pending = planned.filter(({ status }) => status === 'would-change')
  const approved = pending.length === 0 || yes || (await askYes(work.question(pending.length)))
  const outcomes = approved ? await actOn(hosts, { planned, seen, prepare, fleet, asked: !yes }) : planned
  // Of hosts that were not started any more: an open connection would keep this process alive.
  await Promise.all([...seen.values()].map(({ connection }) => connection[Symbol.asyncDispose]()))
  return outcomes
}

interface Approved {
  readonly planned: readonly Outcome[]
  readonly seen: ReadonlyMap<string, Prepared>
  readonly prepare: Prepare
  readonly fleet: Parameters<typeof eachHost>[1]
  /** A person took their time: what was shown may be of long ago. */
  readonly asked: boolean
}

/** Hosts with changes are worked on; the others keep the outcome they have. */
async function actOn(hosts: readonly Host[], { planned, seen, prepare, fleet, asked }: Approved): Promise<Outcome[]> {
  const before = new Map(planned.map(outcome => [outcome.host, outcome]))
  const outcomes = await eachHost(hosts, fleet, async host => {
    const outcome = before.get(host.name)
    if (outcome === undefined) return { status: 'skipped' }
    const known = seen.get(host.name)
    if (outcome.status === 'ok' && known) return known.act()
    if (outcome.status !== 'would-change') return outcome
    const prepared = await stillApproved(outcome.plan, known, asked, () => prepare(host))
    if (prepared === 'stale') {
      return {
        status: 'failed',
        cause: 'stale',
        plan: outcome.plan,
        error: { message: 'the host changed since the plan was shown', hint: null },
      }
    }
    await using _connection = prepared.connection
    return await prepared.act()
  })
  return outcomes.map(outcome => ({
    ...outcome,
    elapsedMs: outcome.elapsedMs + (before.get(outcome.host)?.elapsedMs ?? 0),
  }))
}

/**
 * What was approved: the held survey while its connection lives, else a new one; either must still come to the same plan.
 * What the changes touch is compared on the host itself; whether they do harm hangs on more than that.
 */
export async function stillApproved(
  approved: Plan | null,
  held: Prepared | undefined,
  asked: boolean,
  again: () => Promise<Prepared>,
): Promise<Prepared | 'stale'> {
  const isStill = (plan: Plan): boolean => approved !== null && plan.blockers.length === 0 && isSamePlan(plan, approved)
  if (held?.connection.alive) {
    if (!asked || !held.again || isStill(await held.again())) return held
    await held.connection[Symbol.asyncDispose]()
    return 'stale'
  }
  const fresh = await again()
  if (isStill(fresh.plan)) return fresh
  await fresh.connection[Symbol.asyncDispose]()
  return 'stale'
}
