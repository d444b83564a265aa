/** `--plan FILE`: which hosts a saved plan is for, what is done there, and whether it may be used at all. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, NoMatchError, StaleError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Task } from '../plan/plan.ts'
import type { Prepared } from '../run/commands.ts'
import type { HostResult } from '../run/fleet.ts'
import type { Record } from '../run/record.ts'
import { batchesOf } from '../run/rollout/batches.ts'
import { recordedStretches, stretchesSchema } from '../run/rollout/recorded-rules.ts'
import type { Stretch } from '../run/rollout/rules.ts'
import { rulesText } from '../run/rollout/words.ts'
import { type ReadPlan, readPlan, writePlan } from '../run/saved-file.ts'
import { prepareSaved, verifySaved } from '../run/saved-host.ts'
import type { SavedHost } from '../run/saved-plan.ts'
import { takePlan, used, useOf } from '../run/saved-use.ts'
import type { Tools } from '../run/tools.ts'
import { strategies } from '../strategy/index.ts'
import type { Strategy } from '../strategy/strategy.ts'
import { signature } from './changing.ts'
import { withFlags } from './rollout.ts'
import type { Fleet, Session } from './session.ts'
import { step } from './task.ts'

/** What a saved plan comes to in this inventory. */
export interface SavedWork {
  readonly read: ReadPlan
  /** Every host of the plan that --limit leaves; one that the inventory has no more is among them, and is stale. */
  readonly hosts: readonly Host[]
  readonly taskOf: (host: Host) => Task
  readonly prepare: (host: Host, tools: Tools) => Promise<Prepared>
  readonly verify: (host: Host, tools: Tools) => Promise<HostResult>
  /** The batches, limits and gates it was made with; none: all at once. */
  readonly stretches: readonly Stretch[]
}

/** Reads the plan; throws StaleError where its file was edited. */
export function readUnedited(file: string): ReadPlan {
  const read = readPlan(file)
  if (!read.isEdited) return read
  const hint = `ctfix show ${file}, or a new plan`
  throw new StaleError(`${file}: the plan was edited since it was written: nobody was shown what it says now`, { hint })
}

/** Throws StaleError, before any host is touched, where the plan may not be applied any more. */
export function refuseSpent(stateDir: string, read: ReadPlan, now = Date.now()): void {
  const by = useOf(stateDir, read)
  if (by !== null) throw used(by)
  if (now <= Date.parse(read.plan.expiresAt)) return
  throw new StaleError(`${read.file}: the plan expired at ${read.plan.expiresAt}`, {
    hint: 'make a new plan; plan --expires 72h gives it longer',
  })
}

/** The hosts of the plan as this inventory has them. */
export function savedWork(read: ReadPlan, fleet: Fleet, limited: boolean): SavedWork {
  const within = new Map(fleet.hosts.map(host => [host.name, host]))
  const known = new Set(fleet.inventory.names)
  const saved = new Map(read.plan.hosts.map(host => [host.name, host]))
  const missing = new Set<string>()
  const hosts = read.plan.hosts.flatMap((of): Host[] => {
    const host = within.get(of.name)
    if (host) return [asThen(host, of, fleet)]
    if (limited || known.has(of.name)) return []
    missing.add(of.name)
    return [remembered(of, read.file)]
  })
  if (hosts.length === 0) throw new NoMatchError(`${read.file}: the plan is for none of these hosts`)
  const of = (host: Host): SavedHost => {
    const found = saved.get(host.name)
    if (!found || missing.has(host.name)) {
      throw new StaleError('it is not in this inventory any more', { hint: 'the inventory the plan was made with' })
    }
    return found
  }
  const taskOf = taskBy(read, saved)
  return {
    read,
    hosts,
    taskOf,
    prepare: async (host, tools) => prepareSaved(host, of(host), taskOf(host), tools),
    verify: async (host, tools) => verifySaved(host, of(host), taskOf(host), tools),
    stretches: recordedStretches(stretchesSchema.parse(read.plan.rollout), hosts),
  }
}

/** How a saved plan goes over its hosts: as it was made, but for what flags say. Throws where --limit leaves its canary out. */
export function stretchesOfSaved(
  { stretches, read }: SavedWork,
  flags: Parameters<typeof withFlags>[1],
  fleet: Fleet,
): readonly Stretch[] {
  for (const { hosts, rules } of flags.canary === undefined ? stretches : []) {
    if (rules.canary.length === 0 || hosts.some(({ name }) => rules.canary.includes(name))) continue
    throw new NoMatchError(`${read.file}: no host of the canary is among those that --limit leaves`, {
      hint: '--canary PATTERN names another',
    })
  }
  return withFlags(stretches, flags, fleet)
}

/** What was planned for a host, every `auto` the number it came to. */
function taskBy({ file, plan: { force } }: ReadPlan, saved: ReadonlyMap<string, SavedHost>): SavedWork['taskOf'] {
  return ({ name }) => {
    const steps = (saved.get(name)?.plan?.steps ?? []).map(({ strategy, options }) =>
      step(knownStrategy(strategy, file), options, () => ({ file })),
    )
    return { steps, force }
  }
}

function knownStrategy(name: string, file: string): Strategy {
  const known = strategies.find(strategy => strategy.name === name)
  if (known) return known
  throw new ConfigError(`this ctfix has no strategy ${JSON.stringify(name)}`, { place: { file } })
}

/** A play may have asked for root where neither flags nor inventory do. */
function asThen(host: Host, { reached }: SavedHost, fleet: Fleet): Host {
  if ((host.become === null) === (reached.become === null)) return host
  return fleet.withBecome(reached.become !== null).host(host.name) ?? host
}

/** How a saved plan goes over its hosts, in words, without any inventory. */
export function rolloutText({ plan: { hosts, rollout }, file }: ReadPlan): readonly string[] {
  const known = hosts.map(host => remembered(host, file))
  return rulesText(batchesOf(recordedStretches(stretchesSchema.parse(rollout), known)))
}

/** A host that the inventory does not have: it is counted and told of, and never connected to. */
function remembered({ name, cause, reached }: SavedHost, file: string): Host {
  return {
    ...reached,
    name,
    become: null,
    groups: [],
    password: null,
    privateKeyFile: null,
    connectTimeoutMs: null,
    legacySsh: false,
    hostKeyPolicy: null,
    exclude: cause === 'excluded' ? 'when the plan was made' : null,
    strategy: null,
    options: {},
    place: { file },
  }
}

/** Where the record of a run keeps the plan that it carries out. */
const COPY = 'saved-plan.json'

interface Using {
  readonly stateDir: string
  readonly record: Record
  readonly session: Pick<Session, 'run' | 'listen'>
}

/** The run that begins carries this plan out: a copy in its record, so that it goes on with the same plan when it is broken off. */
export async function useUp(read: ReadPlan, using: Using): Promise<void> {
  await writePlan(join(using.record.directory, COPY), read.plan)
  takeOnIntent(read, using)
}

/**
 * The plan is used up as soon as the first host is about to be changed; where somebody was first, nothing is changed. A run
 * that goes on may have taken it before.
 */
export function takeOnIntent(read: ReadPlan, { stateDir, session }: Pick<Using, 'stateDir' | 'session'>): void {
  let isTaken = false
  session.listen(event => {
    if (event.type !== 'intent' || isTaken) return
    if (useOf(stateDir, read)?.run !== session.run) {
      // Whoever was asked may have taken until tomorrow.
      refuseSpent(stateDir, read)
      takePlan(stateDir, read, { run: session.run, ...signature() })
    }
    isTaken = true
  })
}

/** The plan that a run was to carry out; null where it came from strategies or a playbook. */
export function copyOf(directory: string): ReadPlan | null {
  const file = join(directory, COPY)
  return existsSync(file) ? readUnedited(file) : null
}
