/** A change under way on one host, and how long it may take the host to go its way without us. */
import type { Facts } from '../facts/facts.ts'
import type { Host } from '../inventory/host.ts'
import { type Plan, settledTask, type Task } from '../plan/plan.ts'
import { runDirectory, type Tools } from './tools.ts'

/** After the guard has fired, taking back and booting take their time too. */
const GRACE_MS = 30_000

/** A handshake, a look and the confirmation on a slow host; 2 s were measured on an idle one. */
export const LEAST_TO_CONFIRM_SECONDS = 5

/** What is under way on one host. */
export interface Undertaking {
  readonly host: Host
  readonly plan: Plan
  /** Planned again it must find nothing left: every `auto` is the number it came to. */
  readonly task: Task
  readonly runDir: string
  /** As of the last look. */
  readonly facts: Facts
  /** By then the guard has fired and settled, in `performance.now()`. */
  readonly untilMs: number
}

/** What is known of an undertaking that begins, or is taken up, at this moment. */
export function undertake(host: Host, facts: Facts, plan: Plan, task: Task, tools: Tools): Undertaking {
  const untilMs = performance.now() + tools.revertInSeconds * 1000 + GRACE_MS
  return { host, plan, task: settledTask(plan, task), runDir: runDirectory(tools.run), facts, untilMs }
}
