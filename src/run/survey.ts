/** One host, read-only: connect, look, plan. */
import type { Facts } from '../facts/facts.ts'
import { gatherFacts } from '../facts/gather.ts'
import type { Host } from '../inventory/host.ts'
import type { Plan, Task } from '../plan/plan.ts'
import type { Connection } from '../transport/connection.ts'
import { inTime } from './host-limit.ts'
import { numbersOf } from './numbers.ts'
import { planHost } from './plan-host.ts'
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
  return connected(host, tools, async connection => ({
    facts: await gatherFacts(connection, { windowSeconds, signal: tools.signal }),
    connection,
  }))
}

/** Connects, looks and plans. The caller disposes of the connection. */
export async function survey(host: Host, task: Task, tools: Tools, windowSeconds = 0): Promise<Survey> {
  return connected(host, tools, connection => surveyOver(connection, task, tools, windowSeconds))
}

/** Looks and plans over a connection that is there already. */
export async function surveyOver(connection: Connection, task: Task, tools: Tools, windowSeconds = 0): Promise<Survey> {
  const { host } = connection
  const facts = await gatherFacts(connection, { windowSeconds, ...probeNeeds(task), signal: tools.signal })
  const plan = planHost(host, task, facts)
  tools.emit({ type: 'planned', host: host.name, plan, numbers: numbersOf(facts) })
  return { host, facts, plan, connection }
}

/** Connects and does one thing over it, in the time of a host; where that fails the connection is closed, else it is the caller's. */
export async function connected<T>(host: Host, tools: Tools, work: (connection: Connection) => Promise<T>): Promise<T> {
  tools.emit({ type: 'phase', host: host.name, phase: 'connect' })
  const connection = await tools.connect(host, tools.signal)
  try {
    tools.emit({ type: 'phase', host: host.name, phase: 'probe' })
    return await inTime(host, tools, work(connection))
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}
