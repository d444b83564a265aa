/** What the commands do with one host. Each is the straight line of product's words: look, plan, apply, verify. */
import type { Facts } from '../facts/facts.ts'
import type { Host } from '../inventory/host.ts'
import { type Plan, settledTask, type Task } from '../plan/plan.ts'
import { applyPlan } from './apply.ts'
import { decisive, failures, judge, passes, withoutUnwatched } from './checks.ts'
import type { HostResult } from './fleet.ts'
import { judgeOutside, withProbes } from './outside/measured.ts'
import type { Measuring } from './outside/outside.ts'
import { look, type Survey, survey, surveyOver } from './survey.ts'
import { reliefOf, type Tools } from './tools.ts'

/** facts: one look. */
export async function factsOf(host: Host, tools: Tools): Promise<HostResult> {
  const { facts, connection } = await look(host, tools)
  await connection[Symbol.asyncDispose]()
  return { status: 'ok', facts }
}

/** A host that was looked at, and what is to be done there once that is approved. */
export interface Prepared extends Survey {
  /** Does it, over the survey's own connection, which stays the caller's. */
  readonly act: () => Promise<HostResult>
  /** Looks once more over that connection: what the same options come to by now. Missing where the plan is of another kind. */
  readonly again?: () => Promise<Plan>
}

export type Prepare = (host: Host) => Promise<Prepared>

/** Looks, plans, and is ready to apply. */
export async function prepareApply(host: Host, task: Task, tools: Tools): Promise<Prepared> {
  return readyToApply(await survey(host, task, tools), task, tools)
}

/** What applying comes to on a host that was surveyed. */
export function readyToApply(surveyed: Survey, task: Task, tools: Tools): Prepared {
  const { facts, plan } = surveyed
  return {
    ...surveyed,
    async again() {
      return (await surveyOver(surveyed.connection, settledTask(plan, task), { ...tools, emit: () => {} })).plan
    },
    async act() {
      if (plan.blockers.length > 0) return { status: 'blocked', facts, plan }
      if (plan.changes.length === 0) return idleResult(facts, plan, task)
      return { plan, ...(await applyPlan(surveyed, task, tools)) }
    },
  }
}

interface Keeping {
  /** Leaves the connection of a host with changes open. */
  readonly hold: boolean
  /** Receives every host that was looked at. */
  readonly keep: (prepared: Prepared) => void
}

/** plan: what would be done. */
export async function planOf(host: Host, prepare: Prepare, keeping?: Keeping): Promise<HostResult> {
  const prepared = await prepare(host)
  const { facts, plan } = prepared
  const pending = plan.blockers.length === 0 && plan.changes.length > 0
  keeping?.keep(prepared)
  if (!pending || !keeping?.hold) await prepared.connection[Symbol.asyncDispose]()
  if (plan.blockers.length > 0) return { status: 'blocked', facts, plan }
  return { status: pending ? 'would-change' : 'ok', facts, plan }
}

/** apply in one go: looks and acts on one connection, with nobody in between. */
export async function applyOf(host: Host, prepare: Prepare): Promise<HostResult> {
  const prepared = await prepare(host)
  await using _connection = prepared.connection
  return await prepared.act()
}

/** apply where nothing is left to do: as wanted unless the table is full at this moment. `verify` watches for longer. */
function idleResult(facts: Facts, plan: Plan, task: Task): HostResult {
  const checks = withoutUnwatched(judge(facts, plan, { files: true }))
  if (passes(decisive(checks, reliefOf(task)))) return { status: 'ok', facts, plan, checks }
  return {
    status: 'failed',
    facts,
    plan,
    checks,
    error: { message: `nothing left to change, but ${failures(checks)}`, hint: null },
  }
}

/** verify: as wanted, and the symptom gone? Read-only. */
export async function verifyOf(host: Host, task: Task, tools: Tools): Promise<HostResult> {
  using measuring = tools.outside?.begin(host, 'after') ?? null
  const result = await verified(host, task, tools, measuring)
  return measuring ? await withProbes(result, measuring, host, tools) : result
}

async function verified(host: Host, task: Task, tools: Tools, measuring: Measuring | null): Promise<HostResult> {
  const { facts, plan, connection } = await survey(host, task, tools, tools.windowSeconds)
  await connection[Symbol.asyncDispose]()
  const seen = judge(facts, plan, { files: true, newConnection: host.connection === 'ssh' })
  const checks = [...seen, ...(await judgeOutside(measuring, 'at-once'))]
  if (passes(checks)) return { status: 'ok', facts, plan, checks }
  const error = { message: failures(checks), hint: null }
  // Only values and files differ: that is drift, and a plan would cure it.
  const drifted = plan.blockers.length === 0 && checks.every(onlyDrift)
  if (drifted && plan.changes.length > 0) {
    return { status: 'would-change', facts, plan, checks, error }
  }
  return { status: 'failed', facts, plan, checks, error }
}

function onlyDrift({ name, status }: { readonly name: string; readonly status: string }): boolean {
  return status === 'pass' || name === 'values-as-wanted' || name === 'survives-reboot'
}
