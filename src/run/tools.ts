/** What one host's way through a run needs from the run. */
import { readFileSync } from 'node:fs'
import type { GatherOptions } from '../facts/gather.ts'
import type { Task } from '../plan/plan.ts'
import { RUNS_DIRECTORY } from '../strategy/raise.ts'
import type { Connect } from '../transport/connection.ts'
import type { Listener } from './events.ts'

export interface Tools {
  readonly run: string
  readonly connect: Connect
  readonly emit: Listener
  readonly signal: AbortSignal
  /** Seconds over which counters must stand still to count as cured. */
  readonly windowSeconds: number
}

/** Where a run keeps its things on a host. */
export function runDirectory(run: string): string {
  return `${RUNS_DIRECTORY}/${run}`
}

let library: string | undefined

/** Text of change.sh, read once. */
export function changeLibrary(): string {
  library ??= readFileSync(new URL('./remote/change.sh', import.meta.url), 'utf8')
  return library
}

/** At once where any of the steps promises that. */
export function reliefOf(task: Task): 'at-once' | 'later' {
  return task.steps.every(({ strategy }) => strategy.relief === 'later') ? 'later' : 'at-once'
}

/** What the probe must look at for these steps. */
export function probeNeeds(task: Task): Pick<GatherOptions, 'states'> {
  return { states: task.steps.some(({ strategy }) => strategy.needs.states) }
}
