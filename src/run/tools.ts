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
import type { Outside } from './outside/outside.ts'

export interface Tools {
  readonly run: string
  readonly connect: Connect
  readonly emit: Listener
  /** Resolves once all that was told so far is on disk, to null or why it is not; missing: nothing is recorded. */
  readonly committed?: () => Promise<string | null>
  readonly signal: AbortSignal
  /** Seconds over which counters must stand still to count as cured. */
  readonly windowSeconds: number
  /** Seconds after which a host takes itself back unless it is confirmed. */
  readonly revertInSeconds: number
  /** Seconds that looking at a host may take once it is reached; missing: every command has its own limit, and no more. */
  readonly hostTimeoutSeconds?: number
  /** Measures hosts from here; missing: nobody asked for that. */
  readonly outside?: Outside
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

/** Values and files need these only, and most plans are about nothing else. */
const BASIC = ['change', 'look']
const OTHERS = ['rules', 'chain', 'nft', 'modules', 'services', 'image']
/** Of what shows targets, that which shows these. */
const BASIC_LOOKS = ['show_value', 'show_values', 'show_file', 'label_of']

/**
 * The functions that compiled scripts call. With `calls`, the text of such scripts, only as much of them as that may need:
 * a host reads all of it each time it runs one.
 */
export function changeLibrary(calls?: string): string {
  if (calls !== undefined && !otherNames().test(calls)) return BASIC.map(part => remote(`${part}.sh`)).join('\n')
  return ['change', ...OTHERS, 'look'].map(part => remote(`${part}.sh`)).join('\n')
}

let others: RegExp | undefined

/** Names of all functions that are about other things than values and files. */
function otherNames(): RegExp {
  if (others) return others
  const names = [...OTHERS, 'look'].flatMap(part =>
    [...remote(`${part}.sh`).matchAll(/^(\w+)\(\)/gm)].map(([, name]) => name),
  )
  others = new RegExp(`\\b(${names.filter(name => !BASIC_LOOKS.includes(name ?? '')).join('|')})\\b`)
  return others
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
export function probeNeeds(
  task: Task,
): Pick<GatherOptions, 'states' | 'ruleset' | 'tracking' | 'census' | 'flows' | 'looks'> {
  const changes = task.steps.flatMap(({ strategy }) => strategy.needs.looks ?? [])
  return {
    states: task.steps.some(({ strategy }) => strategy.needs.states),
    ruleset: task.steps.some(({ strategy }) => strategy.needs.ruleset === true),
    tracking: task.steps.some(({ strategy }) => strategy.needs.tracking === true),
    census: task.steps.some(({ strategy }) => strategy.needs.census === true),
    flows: canonicalFlows(task.steps.flatMap(({ strategy, options }) => strategy.flowsOf?.(options) ?? []).join(';')),
    ...(changes.length > 0 ? { looks: (nonce: string) => lookPrelude(changes, changeLibrary(), nonce) } : {}),
  }
}
