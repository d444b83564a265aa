/** What a command works with: the inventory first, then a way to reach its hosts, a view, and the signals of Ctrl-C. */
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { EXIT, NoMatchError, UsageError } from '../errors.ts'
import { isDirectory } from '../inventory/directory.ts'
import { type Host, openSecrets } from '../inventory/host.ts'
import { hearPrograms, type Inventory, loadInventory, selectHosts, selectNames } from '../inventory/index.ts'
import type { Vault } from '../inventory/vault.ts'
import { formatDuration } from '../lang/duration.ts'
import { plain } from '../lang/text.ts'
import type { Event, Listener, Phase } from '../run/events.ts'
import type { FleetOptions as Pace } from '../run/fleet.ts'
import type { Record } from '../run/record.ts'
import { newRunId } from '../run/run-id.ts'
import type { Tools } from '../run/tools.ts'
import { type ConnectOptions, createConnect } from '../transport/connect.ts'
import { checkOpenFiles } from '../transport/open-files.ts'
import { createView } from '../view/index.ts'
import { processStreams } from '../view/streams.ts'
import type { Streams, View } from '../view/view.ts'
import { askSecret, canAsk } from './ask.ts'
import { createInterlude, type Interlude } from './interlude.ts'
import { loginDefaults } from './login.ts'
import { spareMemory } from './memory.ts'
import type { SharedOptions, WhatOptions } from './options.ts'
import { openVault } from './vault.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What the flags leave of the inventory. */
export interface Fleet {
  readonly inventory: Inventory
  /** Those of --limit, in inventory order. */
  readonly hosts: readonly Host[]
  /** The same inventory where a play, and not the command line, says whether to become root. */
  readonly withBecome: (become: boolean) => Inventory
}

type FleetOptions = SharedOptions & Pick<Partial<WhatOptions>, 'playbook'>

/** Reads the inventory. Every mistake in it is thrown here, before any host is touched. */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = await readFleet(options)
  for (const host of fleet.hosts) if (host.exclude === null) openSecrets(host)
  return fleet
}

/** The same for who only looks at the inventory: passwords stay in their vaults. */
export async function readFleet(options: FleetOptions): Promise<Fleet> {
  const known = await readInventory(options)
  return { ...known, hosts: selectHosts(known.inventory, options.limit ?? 'all') }
}

/** The same for who wants no host, or a single one: what is said of hosts is not looked at. */
export async function readNames(
  options: FleetOptions,
): Promise<Omit<Fleet, 'hosts'> & { readonly names: readonly string[] }> {
  const known = await readInventory(options)
  return { ...known, names: selectNames(known.inventory, options.limit ?? 'all') }
}

async function readInventory(options: FleetOptions): Promise<Omit<Fleet, 'hosts'>> {
  if (options.playbookDir !== undefined && !isDirectory(options.playbookDir)) {
    throw new UsageError(`--playbook-dir ${options.playbookDir}: expected a directory`)
  }
  const defaults = await loginDefaults(options)
  const vault = await openVault(options)
  const inventory = loadInventory(options.inventory, defaults, {
    vault,
    programs: await heard(options.inventory, vault),
    extraVars: options.extraVars ?? [],
    playbookDirectory: options.playbookDir ?? (options.playbook === undefined ? undefined : dirname(options.playbook)),
  })
  if (inventory.names.length === 0) throw new NoMatchError(`no hosts in ${options.inventory.join(', ')}`)
  return {
    inventory,
    withBecome: wanted => inventory.withDefaults({ ...defaults, become: { ...defaults.become, enabled: wanted } }),
  }
}

/** Ctrl-C ends what is waited for, and so this process. */
async function heard(sources: readonly string[], vault: Vault): ReturnType<typeof hearPrograms> {
  const stop = new AbortController()
  const end = (): void => stop.abort()
  for (const signal of SIGNALS) process.on(signal, end)
  try {
    const say = (text: string) => process.stderr.write(`ctfix: ${plain(text)}\n`)
    return await hearPrograms(sources, vault, { say, signal: stop.signal })
  } finally {
    for (const signal of SIGNALS) process.off(signal, end)
  }
}

export interface Session {
  readonly run: string
  readonly view: View
  readonly tools: Tools
  /** Aborted by the first Ctrl-C: no further host is started. */
  readonly stop: AbortSignal
  /** How its hosts are gone over. */
  readonly pace: Pace
  /** Shows what a first look came to, and tells nobody else. */
  readonly onLook: Listener
  /** Also tells this listener of every event. */
  readonly listen: (listener: Listener) => void
  /** From now on all of it is written down there, and nothing is asked of a host before its intent is. */
  readonly record: (record: Pick<Record, 'write' | 'committed'>) => void
}

interface Settings {
  /** How many hosts the run is about. */
  readonly total: number
  readonly phases: readonly Phase[]
  readonly windowSeconds?: number
  readonly revertInSeconds?: number
  /** Goes on with this one. */
  readonly run?: string
}

/** How the flags want hosts to be reached; `during` wraps the questions. */
export function connectOptions(options: SharedOptions, during: Interlude['during'] = ask => ask()): ConnectOptions {
  const askPassphrase = (file: string): Promise<string> => during(() => askSecret(`Passphrase of ${file}: `))
  return {
    knownHostsFiles: options.knownHosts.length > 0 ? options.knownHosts : undefined,
    hostKeyPolicy: options.hostKey,
    jump: options.jump,
    sshConfig: options.sshConfig,
    // Where nobody said otherwise, the inventory may, and ssh_config.
    ...(options.connectTimeoutSaid ? { connectTimeoutMs: options.connectTimeout * 1000 } : {}),
    ...(canAsk() ? { askPassphrase } : {}),
  }
}

/** Where a view writes. */
export function streamsOf({ color }: SharedOptions): Streams {
  return processStreams(color)
}

/** Prepares a run; nothing is connected yet. */
export function openSession(
  options: SharedOptions,
  { total, phases, windowSeconds = 0, revertInSeconds = 0, run = newRunId() }: Settings,
): Session {
  checkHostTimeout(options.hostTimeout, windowSeconds)
  checkOpenFiles(Math.min(total, options.forks))
  spareMemory(total)
  const view = createView(options.output, streamsOf(options), { phases, total })
  const interlude = createInterlude(view)
  const connect = createConnect({
    ...connectOptions(options, interlude.during),
    ...(options.verbose ? { observe: ({ host, type }) => process.stderr.write(`${host}: ${type}\n`) } : {}),
  })
  const listeners: Listener[] = [interlude.onEvent]
  const emit = (event: Event): void => {
    for (const listener of listeners) listener(event)
  }
  const { stop, leave } = interruptSignals()
  let committed: NonNullable<Tools['committed']> = async () => null
  const tools: Tools = {
    ...{ run, connect, emit, signal: leave, windowSeconds, revertInSeconds },
    committed: () => committed(),
    ...(options.hostTimeout !== undefined && { hostTimeoutSeconds: options.hostTimeout }),
  }
  const { onLook } = interlude
  return {
    ...{ run, view, tools, stop, onLook },
    pace: { forks: options.forks, stop, emit, ready: view.ready },
    listen: listener => listeners.push(listener),
    record(record) {
      listeners.push(record.write)
      committed = record.committed
    },
  }
}

/** Throws UsageError for a limit within which no look can end. */
function checkHostTimeout(seconds: number | undefined, windowSeconds: number): void {
  if (seconds === undefined || seconds > windowSeconds) return
  const [limit, window] = [formatDuration(seconds), formatDuration(windowSeconds)]
  throw new UsageError(`--host-timeout ${limit}: watching a host takes a --window of ${window} by itself`)
}

/** First Ctrl-C: no further host. Second: leave at once. */
export function interruptSignals(): { readonly stop: AbortSignal; readonly leave: AbortSignal } {
  const stop = new AbortController()
  const leave = new AbortController()
  const onInterrupt = (): void => {
    if (stop.signal.aborted) {
      leave.abort()
      process.exitCode = EXIT.interrupted
      // Whatever still hangs must not keep a person waiting who asked twice.
      setTimeout(() => process.exit(EXIT.interrupted), 500).unref()
      return
    }
    stop.abort()
    process.stderr.write(
      '\nctfix: interrupted: no further host is started, those in flight finish; again to leave at once\n',
    )
  }
  // The terminal is gone: as one Ctrl-C, so that hosts in flight are finished or taken back.
  for (const signal of SIGNALS) process.on(signal, onInterrupt)
  return { stop: stop.signal, leave: leave.signal }
}

/** Where run records are kept. */
export function stateDirectory(options: SharedOptions): string {
  return options.stateDir ?? join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'ctfix')
}
