/** `ctfix apply`: plan, show, ask, apply, verify. A dry run is stopping after the plan. */
import { UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { plain } from '../lang/text.ts'
import { isSamePlan, type Plan } from '../plan/plan.ts'
import { applyTo, idleResult, planOf } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import { openRecord } from '../run/record.ts'
import { exitCodeOfRun, type Outcome } from '../run/status.ts'
import { type Survey, survey } from '../run/survey.ts'
import { runDocument } from '../view/document.ts'
import { askYes, canAsk } from './ask.ts'
import type { SharedOptions, WhatOptions } from './options.ts'
import { openFleet, openSession, type Session, stateDirectory } from './session.ts'
import { type Wanted, wanted } from './wanted.ts'

interface ApplyOptions extends SharedOptions, WhatOptions {
  readonly yes?: boolean
  readonly check?: boolean
  readonly dryRun?: boolean
}

/** Plans, shows, asks, applies, verifies. */
export async function apply(options: ApplyOptions): Promise<void> {
  const stopsAtPlan = options.check === true || options.dryRun === true
  if (!stopsAtPlan && !options.yes && !canAsk()) {
    throw new UsageError('nobody to ask: without a terminal, apply needs --yes (or --dry-run)')
  }
  const work = wanted(await openFleet(options), options)
  const session = openSession(options, {
    total: work.hosts.length,
    phases: stopsAtPlan ? ['connect', 'probe'] : ['connect', 'probe', 'apply', 'verify', 'persist'],
    windowSeconds: options.window,
  })
  const header = { run: session.run, command: 'apply', strategy: work.strategy }
  const record = stopsAtPlan
    ? null
    : openRecord(stateDirectory(options), session.run, { ...header, hosts: work.hosts.map(({ name }) => name) })
  if (record) session.listen(record.write)
  tellWhatIsLeft(session)

  const outcomes = await carryOut(session, work, options, stopsAtPlan)
  await session.view.settle()
  const exitCode = exitCodeOfRun(outcomes, options.detailedExitcode === true)
  const incomplete = record?.close(runDocument(header, outcomes, exitCode))
  session.view.result(header, outcomes, exitCode)
  if (incomplete) process.stderr.write(`ctfix: the run record is incomplete: ${plain(incomplete)}\n`)
  if (record && options.output === 'human') process.stderr.write(`record: ${record.directory}\n`)
  process.exitCode = exitCode
}

/** Who leaves at once hears which hosts are in the middle of a change, and the way back. */
function tellWhatIsLeft({ listen, tools }: Session): void {
  const begun = new Map<string, string>()
  listen(event => {
    if (event.type === 'intent') begun.set(event.host, event.runDir)
    if (event.type === 'outcome') begun.delete(event.host)
  })
  const tell = (): void => {
    for (const [host, runDir] of begun) {
      const wayBack = `to take it back on the host: sh ${runDir}/undo.sh ${runDir}`
      process.stderr.write(`ctfix: ${plain(host)}: left in the middle of a change; ${wayBack}\n`)
    }
  }
  tools.signal.addEventListener('abort', tell, { once: true })
}

/**
 * Surveys every host, shows the plans, asks once, applies. Connections of the survey are kept where that is few enough:
 * on a host whose table is full the next one may take a minute to get.
 */
async function carryOut(
  session: Session,
  { hosts, taskOf }: Wanted,
  options: ApplyOptions,
  stopsAtPlan: boolean,
): Promise<Outcome[]> {
  const { tools, view, stop } = session
  const fleet = { forks: options.forks, stop, emit: tools.emit }
  if (options.yes && !stopsAtPlan && hosts.length > options.forks) {
    // Nobody waits for the plans: each host goes its whole way on one connection.
    const outcomes = await eachHost(hosts, fleet, async host => {
      const task = taskOf(host)
      return applyTo(await survey(host, task, tools), task, tools)
    })
    await view.settle()
    view.plans(outcomes)
    return outcomes
  }
  const held = new Map<string, Survey>()
  const holds = !stopsAtPlan && hosts.length <= options.forks
  const silent = { ...fleet, emit: stopsAtPlan ? tools.emit : () => {} }
  const planned = await eachHost(hosts, silent, host =>
    planOf(host, taskOf(host), tools, holds ? kept => held.set(host.name, kept) : undefined),
  )
  await view.settle()
  view.plans(planned)
  if (stopsAtPlan) return planned

  if (!options.yes) view.ask?.(planned)
  const pending = planned.filter(({ status }) => status === 'would-change')
  if (pending.length > 0 && !options.yes && !(await askYes(`Apply to ${pending.length} of ${hosts.length} hosts?`))) {
    await closeAll(held)
    return planned
  }
  const outcomes = await applyAll(session, hosts, { planned, held, taskOf, fleet })
  // Of hosts that were not started any more: an open connection would keep this process alive.
  await closeAll(held)
  return outcomes
}

async function closeAll(held: ReadonlyMap<string, Survey>): Promise<void> {
  await Promise.all([...held.values()].map(({ connection }) => connection[Symbol.asyncDispose]()))
}

interface Approved {
  readonly planned: readonly Outcome[]
  readonly held: ReadonlyMap<string, Survey>
  readonly taskOf: Wanted['taskOf']
  readonly fleet: Parameters<typeof eachHost>[1]
}

/** Hosts with changes are worked on; the others keep the outcome they have. */
async function applyAll(
  { tools }: Session,
  hosts: readonly Host[],
  { planned, held, taskOf, fleet }: Approved,
): Promise<Outcome[]> {
  const before = new Map(planned.map(outcome => [outcome.host, outcome]))
  const outcomes = await eachHost(hosts, fleet, async host => {
    const outcome = before.get(host.name)
    if (outcome === undefined) return { status: 'skipped' }
    if (outcome.status === 'ok' && outcome.facts && outcome.plan)
      return idleResult(outcome.facts, outcome.plan, taskOf(host))
    if (outcome.status !== 'would-change') return outcome
    const task = taskOf(host)
    const surveyed = await takeSurvey(outcome.plan, held.get(host.name), () => survey(host, task, tools))
    if (surveyed === 'stale') {
      return {
        status: 'failed',
        cause: 'stale',
        plan: outcome.plan,
        error: { message: 'the host changed since the plan was shown', hint: null },
      }
    }
    return applyTo(surveyed, task, tools)
  })
  return outcomes.map(outcome => ({
    ...outcome,
    elapsedMs: outcome.elapsedMs + (before.get(outcome.host)?.elapsedMs ?? 0),
  }))
}

/** The survey that was approved: the held one while its connection lives, else a new one that comes to the same plan. */
async function takeSurvey(
  approved: Plan | null,
  held: Survey | undefined,
  again: () => Promise<Survey>,
): Promise<Survey | 'stale'> {
  if (held?.connection.alive) return held
  const fresh = await again()
  if (approved !== null && isSamePlan(fresh.plan, approved)) return fresh
  await fresh.connection[Symbol.asyncDispose]()
  return 'stale'
}
