/** What a command works with: the inventory first, then a way to reach its hosts, a view, and the signals of Ctrl-C. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { EXIT, NoMatchError } from '../errors.ts'
import { type Host, Secret } from '../inventory/host.ts'
import { type Inventory, loadInventory, selectHosts } from '../inventory/index.ts'
import type { Event, Listener, Phase } from '../run/events.ts'
import { newRunId } from '../run/run-id.ts'
import type { Tools } from '../run/tools.ts'
import { createConnect } from '../transport/connect.ts'
import { createView } from '../view/index.ts'
import type { View } from '../view/view.ts'
import { askSecret } from './ask.ts'
import type { SharedOptions } from './options.ts'

/** What the flags leave of the inventory. */
export interface Fleet {
  readonly inventory: Inventory
  /** Those of --limit, in inventory order. */
  readonly hosts: readonly Host[]
  /** The same inventory where a play, and not the command line, says whether to become root. */
  readonly withBecome: (become: boolean) => Inventory
}

/** Reads the inventory. Every mistake in it is thrown here, before any host is touched. */
export async function openFleet(options: SharedOptions): Promise<Fleet> {
  const become = { method: options.becomeMethod }
  const defaults = {
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.privateKey === undefined ? {} : { privateKeyFile: options.privateKey }),
    password: options.askPass ? new Secret(await askSecret('SSH password: ')) : null,
    become: options.become ? become : null,
  }
  const inventory = loadInventory(options.inventory, defaults)
  if (inventory.hosts.length === 0) throw new NoMatchError(`no hosts in ${options.inventory.join(', ')}`)
  return {
    inventory,
    hosts: selectHosts(inventory, options.limit ?? 'all'),
    withBecome: wanted => inventory.withDefaults({ ...defaults, become: wanted ? become : null }),
  }
}

export interface Session {
  readonly run: string
  readonly view: View
  readonly tools: Tools
  /** Aborted by the first Ctrl-C: no further host is started. */
  readonly stop: AbortSignal
  /** Also tells this listener of every event. */
  readonly listen: (listener: Listener) => void
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

/** Prepares a run; nothing is connected yet. */
export function openSession(
  options: SharedOptions,
  { total, phases, windowSeconds = 0, revertInSeconds = 0, run = newRunId() }: Settings,
): Session {
  const connect = createConnect({
    knownHostsFiles: options.knownHosts.length > 0 ? options.knownHosts : undefined,
    hostKeyPolicy: options.hostKey,
    connectTimeoutMs: options.connectTimeout * 1000,
    ...(options.verbose ? { observe: ({ host, type }) => process.stderr.write(`${host}: ${type}\n`) } : {}),
  })
  const streams = {
    out: (text: string) => process.stdout.write(text),
    err: (text: string) => process.stderr.write(text),
    interactive: process.stdout.isTTY === true && process.stderr.isTTY === true,
    color: options.color && process.stdout.isTTY === true && !process.env.NO_COLOR,
  }
  const view = createView(options.output, streams, { phases, total })
  const listeners: Listener[] = [view.onEvent]
  const emit = (event: Event): void => {
    for (const listener of listeners) listener(event)
  }
  const { stop, leave } = interruptSignals()
  const tools: Tools = { run, connect, emit, signal: leave, windowSeconds, revertInSeconds }
  return { run, view, tools, stop, listen: listener => listeners.push(listener) }
}

/** First Ctrl-C: no further host. Second: leave at once. */
function interruptSignals(): { readonly stop: AbortSignal; readonly leave: AbortSignal } {
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
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onInterrupt)
  // The terminal is gone: as one Ctrl-C, so that hosts in flight are finished or taken back.
  process.on('SIGHUP', onInterrupt)
  return { stop: stop.signal, leave: leave.signal }
}

/** Where run records are kept. */
export function stateDirectory(options: SharedOptions): string {
  return options.stateDir ?? join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'ctfix')
}
