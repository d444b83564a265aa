/** What one host's way through a run needs from the run. */
import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import type { GatherOptions } from '../facts/gather.ts'
import { plain } from '../lang/text.ts'
import type { Task } from '../plan/plan.ts'
import { lookPrelude } from '../plan/programs.ts'
import { RUNS_DIRECTORY } from '../strategy/raise.ts'
import type { Connect } from '../transport/connection.ts'
import type { Listener } from './events.ts'
import { canonicalFlows } from './flows.ts'

export interface Tools {
  readonly run: string
  readonly connect: Connect
  readonly emit: Listener
  readonly signal: AbortSignal
  /** Seconds over which counters must stand still to count as cured. */
  readonly windowSeconds: number
  /** Seconds after which a host takes itself back unless it is confirmed. */
  readonly revertInSeconds: number
}

/** Where a run keeps its things on a host. */
export function runDirectory(run: string): string {
  return `${RUNS_DIRECTORY}/${run}`
}

const texts = new Map<string, string>()

function remote(name: string): string {
  const text = texts.get(name) ?? readFileSync(new URL(`./remote/${name}`, import.meta.url), 'utf8')
  texts.set(name, text)
  return text
}

/** The functions that the compiled scripts call. */
export function changeLibrary(): string {
  const parts = ['change', 'rules', 'chain', 'nft', 'modules', 'services', 'image', 'look']
  return parts.map(part => remote(`${part}.sh`)).join('\n')
}

/** The dead man's switch. */
export function guardProgram(): string {
  return ['state.sh', 'timer.sh', 'guard.sh'].map(remote).join('\n')
}

/** Who holds a host's lock, for whoever meets it there. The clock of the controller, for people to read. */
export function ownerText({ run }: Tools): string {
  return `run ${run}\nwho ${whoWeAre()}\nat ${new Date().toISOString()}\n`
}

/** The person and the machine a run comes from. */
export function whoWeAre(): string {
  return plain(`${userName()}@${hostname()} (pid ${process.pid})`)
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a number that has no name.
    return process.env.USER ?? `uid ${process.getuid?.()}`
  }
}

/** At once where any of the steps promises that. */
export function reliefOf(task: Task): 'at-once' | 'later' {
  return task.steps.every(({ strategy }) => strategy.relief === 'later') ? 'later' : 'at-once'
}

/** What the probe must look at for these steps. */
export function probeNeeds(task: Task): Pick<GatherOptions, 'states' | 'ruleset' | 'tracking' | 'flows' | 'looks'> {
  const changes = task.steps.flatMap(({ strategy }) => strategy.needs.looks ?? [])
  return {
    states: task.steps.some(({ strategy }) => strategy.needs.states),
    ruleset: task.steps.some(({ strategy }) => strategy.needs.ruleset === true),
    tracking: task.steps.some(({ strategy }) => strategy.needs.tracking === true),
    flows: canonicalFlows(task.steps.flatMap(({ strategy, options }) => strategy.flowsOf?.(options) ?? []).join(';')),
    ...(changes.length > 0 ? { looks: (nonce: string) => lookPrelude(changes, changeLibrary(), nonce) } : {}),
  }
}
