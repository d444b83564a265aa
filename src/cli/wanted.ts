/** Which hosts, and what of each: from flags, a playbook, a recorded run, or the inventory itself. */
import { formatPlace, NoMatchError, UsageError } from '../errors.ts'
import { type Host, openSecrets } from '../inventory/host.ts'
import { selectHosts } from '../inventory/index.ts'
import { type Play, readPlaybook } from '../inventory/playbook.ts'
import type { Step, Task } from '../plan/plan.ts'
import { type RecordedRun, readRun } from '../run/recorded.ts'
import { checkBecome } from '../transport/become.ts'
import type { WhatOptions } from './options.ts'
import type { PlayHosts } from './rollout.ts'
import { readUnedited, type SavedWork, savedWork } from './saved.ts'
import type { Fleet } from './session.ts'
import { find, step, stepsOfPlay, type TaskOf, tasksFromFlags } from './task.ts'

export interface Wanted {
  readonly hosts: readonly Host[]
  readonly taskOf: TaskOf
  /** Names of the strategies, for the result document. */
  readonly strategy: readonly string[]
  /** The hosts of each play, each host in the first that selects it; missing where no playbook was given. */
  readonly plays?: readonly PlayHosts[]
  /** What is wanted was planned before, and shown: that is done, or nothing. */
  readonly saved?: SavedWork
}

interface Sources extends WhatOptions {
  readonly run?: string
  readonly plan?: string
  readonly limit?: string
}

/** Resolves the sources; throws before any host is touched. */
export function wanted(fleet: Fleet, options: Sources, stateDir?: string): Wanted {
  const resolved = resolve(fleet, options, stateDir)
  for (const host of resolved.hosts) {
    if (host.exclude !== null) continue
    checkBecome(host)
    // A play may have asked for become, and so for a password that nobody needed before.
    openSecrets(host)
  }
  return resolved
}

function resolve(fleet: Fleet, options: Sources, stateDir?: string): Wanted {
  const { hosts } = fleet
  const sources = [
    options.strategy && '--strategy',
    options.playbook && '--playbook',
    options.run && '--run',
    options.plan && '--plan',
  ].filter(Boolean)
  if (sources.length > 1) throw new UsageError(`${sources.join(' and ')}: give one of them`)
  if (options.set.length > 0 && !options.strategy) {
    throw new UsageError('--set needs --strategy: it sets options of the strategies named there')
  }
  if (options.plan !== undefined) return fromPlan(fleet, options.plan, options)
  if (options.run !== undefined && stateDir !== undefined) return fromRun(hosts, options.run, stateDir)
  if (options.playbook !== undefined) return fromPlaybook(fleet, options.playbook, options.force === true)
  const taskOf = tasksFromFlags(options, fleet.inventory)
  const tasks = new Map(hosts.filter(({ exclude }) => exclude === null).map(host => [host.name, taskOf(host)]))
  const strategy = namesOf([...tasks.values()].flatMap(({ steps }) => steps))
  return { hosts, taskOf: host => tasks.get(host.name) ?? taskOf(host), strategy }
}

function namesOf(steps: readonly Step[]): string[] {
  return [...new Set(steps.map(({ strategy }) => strategy.name))]
}

/** Each host's task is what the plays that select it want, in their order; a host in no play is left out. */
function fromPlaybook(fleet: Fleet, file: string, force: boolean): Wanted {
  const selected = new Map<string, { readonly host: Host; readonly steps: readonly Step[]; readonly play: Play }>()
  const plays = readPlaybook(file)
  for (const play of plays) {
    const steps = stepsOfPlay(play)
    for (const host of hostsOf(play, fleet)) {
      const earlier = selected.get(host.name)
      selected.set(host.name, {
        // A host has one connection: root as soon as one of its plays needs it.
        host: earlier?.host.become ? earlier.host : host,
        steps: [...(earlier?.steps ?? []), ...steps],
        play: earlier?.play ?? play,
      })
    }
  }
  const chosen = fleet.hosts.flatMap(({ name }) => selected.get(name) ?? [])
  if (chosen.length === 0) throw new NoMatchError(`${file}: no play selects a host that --limit leaves`)
  const tasks = new Map(chosen.map(({ host, steps }) => [host.name, { steps, force }]))
  return {
    hosts: chosen.map(({ host }) => host),
    taskOf: host => tasks.get(host.name) ?? { steps: [], force },
    strategy: namesOf(chosen.flatMap(({ steps }) => steps)),
    plays: plays.map(play => ({ play, hosts: chosen.filter(one => one.play === play).map(({ host }) => host) })),
  }
}

function hostsOf({ hosts, become, placeOf }: Play, fleet: Fleet): readonly Host[] {
  const inventory = become === null ? fleet.inventory : fleet.withBecome(become)
  const place = placeOf(['hosts'])
  // A mistake in a host that --limit leaves out stops nobody.
  const within = new Set(fleet.hosts.map(({ name }) => name))
  const host = (name: string): Host | undefined => (within.has(name) ? inventory.host(name) : undefined)
  try {
    return selectHosts({ names: inventory.names, groups: inventory.groups, host }, hosts, { place })
  } catch (error) {
    if (!(error instanceof NoMatchError)) throw error
    throw new NoMatchError(`${formatPlace(place)}: ${error.message}`, { cause: error })
  }
}

function fromPlan(fleet: Fleet, file: string, { force, limit }: Sources): Wanted {
  if (force) throw new UsageError('--force: a saved plan goes past what it was made to go past, and nothing else')
  const read = readUnedited(file)
  const saved = savedWork(read, fleet, limit !== undefined)
  return { hosts: saved.hosts, taskOf: saved.taskOf, strategy: read.plan.strategy, saved }
}

/** The hosts a run changed or found right, each with the numbers its `auto` came to. */
function fromRun(hosts: readonly Host[], run: string, stateDir: string): Wanted {
  const recorded = readRun(stateDir, run)
  const tasks = tasksOfRun(recorded)
  const known = hosts.filter(({ name }) => recorded.progress.get(name)?.plan)
  if (known.length === 0) throw new UsageError(`run ${run} has none of these hosts`)
  return {
    hosts: known,
    taskOf: host => tasks.get(host.name) ?? { steps: [], force: false },
    strategy: recorded.strategy,
  }
}

/** What a run wants of each of its hosts: as it was planned there, else as it was asked for. */
export function tasksOfRun({ run, tasks, progress }: RecordedRun): ReadonlyMap<string, Task> {
  const wants = new Map(tasks.flatMap(({ hosts, ...task }) => hosts.map(name => [name, task] as const)))
  const names = new Set([...wants.keys(), ...progress.keys()])
  return new Map(
    [...names].map(name => {
      const steps = progress.get(name)?.plan?.steps ?? wants.get(name)?.steps ?? []
      const decoded = steps.map(({ strategy, options }) =>
        step(find(strategy), options, () => ({ file: `run ${run}` })),
      )
      return [name, { steps: decoded, force: wants.get(name)?.force ?? false }] as const
    }),
  )
}

/** What the record of a run says first: enough to go on with it though nothing was planned yet. */
export function recordHeader(header: object, { hosts, taskOf }: Wanted): object {
  // A thousand hosts want the same as a rule: it is written once.
  const groups = new Map<string, { hosts: string[]; steps: unknown; force: boolean }>()
  for (const host of hosts) {
    if (host.exclude !== null) continue
    const { steps, force } = taskOf(host)
    const written = { steps: steps.map(({ strategy, options }) => ({ strategy: strategy.name, options })), force }
    const key = JSON.stringify(written)
    const group = groups.get(key) ?? { hosts: [], ...written }
    group.hosts.push(host.name)
    groups.set(key, group)
  }
  return { ...header, hosts: hosts.map(({ name }) => name), tasks: [...groups.values()] }
}
