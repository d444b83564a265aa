/** Many hosts at once. Concurrency belongs here alone; the fleet never fails because one host did. */
import pLimit from 'p-limit'
import { ConnectError, CtfixError, InDoubtError, messageOf, NotTriedError, StaleError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Listener } from './events.ts'
import type { Outcome } from './status.ts'

/** What a host's work may leave out: the fleet fills in the rest. */
export type HostResult = Pick<Outcome, 'status'> & Partial<Omit<Outcome, 'host' | 'status' | 'elapsedMs'>>

export interface FleetOptions {
  /** Hosts in flight at once. */
  readonly forks: number
  /** Once aborted, no further host is started; those in flight go on. */
  readonly stop: AbortSignal
  /** Why no further host is started; null, or left out: go on. */
  readonly halted?: () => string | null
  /** Waited for before another host is started: who reads the events may be slow. Never in the middle of a host. */
  readonly ready?: (() => Promise<void>) | undefined
  readonly emit: Listener
}

/** Runs `work` on every host; every host has an outcome, in the order of `hosts`. */
export function eachHost(
  hosts: readonly Host[],
  options: FleetOptions,
  work: (host: Host) => Promise<HostResult>,
): Promise<Outcome[]> {
  const limit = pLimit(options.forks)
  const one = async (host: Host): Promise<Outcome> => {
    if (options.ready && !options.stop.aborted) await unlessStopped(options.ready(), options.stop)
    const start = performance.now()
    const result = await resultOf(host, options, work)
    const outcome: Outcome = {
      cause: null,
      facts: null,
      plan: null,
      checks: [],
      error: null,
      digest: null,
      ...result,
      host: host.name,
      elapsedMs: Math.round(performance.now() - start),
    }
    options.emit({ type: 'outcome', host: host.name, outcome })
    return outcome
  }
  return Promise.all(hosts.map(host => limit(one, host)))
}

/** Who has pressed Ctrl-C waits for nobody. */
async function unlessStopped(ready: Promise<void>, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const over = (): void => resolve()
  stop.addEventListener('abort', over, { once: true })
  await Promise.race([ready, promise])
  stop.removeEventListener('abort', over)
}

/** The one place where an exception becomes a host's outcome. What reaches it broke before the host was touched. */
async function resultOf(
  host: Host,
  { stop, halted }: FleetOptions,
  work: (host: Host) => Promise<HostResult>,
): Promise<HostResult> {
  if (host.exclude !== null) {
    return { status: 'skipped', cause: 'excluded', error: { message: `excluded: ${host.exclude}`, hint: null } }
  }
  const reason = halted?.() ?? null
  if (reason !== null) {
    return { status: 'skipped', cause: 'budget', error: { message: `not attempted: ${reason}`, hint: null } }
  }
  if (stop.aborted) return interrupted()
  try {
    return await work(host)
  } catch (error) {
    if (error instanceof ConnectError) {
      return error.reason === 'aborted' ? interrupted() : { status: 'unreachable', error: describe(error) }
    }
    if (error instanceof InDoubtError) return { status: 'unknown', error: describe(error) }
    if (error instanceof StaleError) return { status: 'failed', cause: 'stale', error: describe(error) }
    return { status: error instanceof NotTriedError ? 'skipped' : 'failed', error: describe(error) }
  }
}

function interrupted(): HostResult {
  return {
    status: 'skipped',
    cause: 'interrupted',
    error: { message: 'interrupted before it was touched', hint: null },
  }
}

function describe(error: unknown): Outcome['error'] {
  if (error instanceof CtfixError) return { message: messageOf(error), hint: error.hint ?? null }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    message: `a bug of ctfix: ${stack.split('\n').slice(0, 3).join(' ')}`,
    hint: 'please report it with this line',
  }
}
