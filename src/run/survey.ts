/** One host, read-only: connect, look, plan. */
import type { Facts } from '../facts/facts.ts'
import { gatherFacts } from '../facts/gather.ts'
import type { Host } from '../inventory/host.ts'
import { makePlan, type Plan, type Task } from '../plan/plan.ts'
import type { Connection } from '../transport/connection.ts'
import { probeNeeds, type Tools } from './tools.ts'

export interface Survey {
  readonly host: Host
  readonly facts: Facts
  readonly plan: Plan
  /** Still open: on a host whose table is full, getting another one may take a minute. Whoever takes it disposes of it. */
  readonly connection: Connection
}

/** Connects and looks. The caller disposes of the connection. */
export async function look(
  host: Host,
  tools: Tools,
  windowSeconds = 0,
): Promise<{ facts: Facts; connection: Connection }> {
  return lookFor(host, tools, { windowSeconds })
}

/** Connects, looks and plans. The caller disposes of the connection. */
export async function survey(host: Host, task: Task, tools: Tools, windowSeconds = 0): Promise<Survey> {
  const { facts, connection } = await lookFor(host, tools, { windowSeconds, ...probeNeeds(task) })
  const plan = makePlan(host.name, task, facts)
  tools.emit({ type: 'planned', host: host.name, plan })
  return { host, facts, plan, connection }
}

async function lookFor(
  host: Host,
  tools: Tools,
  options: { readonly windowSeconds: number; readonly states?: boolean | undefined },
): Promise<{ facts: Facts; connection: Connection }> {
  tools.emit({ type: 'phase', host: host.name, phase: 'connect' })
  const connection = await tools.connect(host, tools.signal)
  try {
    tools.emit({ type: 'phase', host: host.name, phase: 'probe' })
    const { windowSeconds, states = false } = options
    const facts = await gatherFacts(connection, { windowSeconds, states, signal: tools.signal })
    return { facts, connection }
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}
