/** What the four commands do with one host. Each is the straight line of product's words: look, plan, apply, verify. */
import type { Facts } from '../facts/facts.ts'
import type { Host } from '../inventory/host.ts'
import type { Plan, Task } from '../plan/plan.ts'
import { applyPlan } from './apply.ts'
import { decisive, failures, judge, passes } from './checks.ts'
import type { HostResult } from './fleet.ts'
import { look, type Survey, survey } from './survey.ts'
import { reliefOf, type Tools } from './tools.ts'

/** facts: one look. */
export async function factsOf(host: Host, tools: Tools): Promise<HostResult> {
  const { facts, connection } = await look(host, tools)
  await connection[Symbol.asyncDispose]()
  return { status: 'ok', facts }
}

/** plan: what would be done. `keep` receives the open connection instead of closing it. */
export async function planOf(
  host: Host,
  task: Task,
  tools: Tools,
  keep?: (survey: Survey) => void,
): Promise<HostResult> {
  const surveyed = await survey(host, task, tools)
  const { facts, plan } = surveyed
  const pending = plan.blockers.length === 0 && plan.changes.length > 0
  if (pending && keep) keep(surveyed)
  else await surveyed.connection[Symbol.asyncDispose]()
  if (plan.blockers.length > 0) return { status: 'blocked', facts, plan }
  return { status: pending ? 'would-change' : 'ok', facts, plan }
}

/** apply: does what was planned, on the survey's own connection. Takes over and closes that connection. */
export async function applyTo(surveyed: Survey, task: Task, tools: Tools): Promise<HostResult> {
  await using _connection = surveyed.connection
  const { facts, plan } = surveyed
  if (plan.blockers.length > 0) return { status: 'blocked', facts, plan }
  return plan.changes.length > 0 ? { plan, ...(await applyPlan(surveyed, task, tools)) } : idleResult(facts, plan, task)
}

/** apply where nothing is left to do: as wanted unless the table is full at this moment. `verify` watches for longer. */
export function idleResult(facts: Facts, plan: Plan, task: Task): HostResult {
  const checks = judge(facts, plan, { files: true })
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
  const { facts, plan, connection } = await survey(host, task, tools, tools.windowSeconds)
  await connection[Symbol.asyncDispose]()
  const checks = judge(facts, plan, { files: true, newConnection: host.connection === 'ssh' })
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
