/** Many hosts at once. Concurrency belongs here alone; the fleet never fails because one host did. */
import pLimit from 'p-limit'
import { ConnectError, CtfixError, messageOf } from '../errors.ts'
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
    const start = performance.now()
    const result = await resultOf(host, options.stop, work)
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

/** The one place where an exception becomes a host's outcome. What reaches it broke before the host was touched. */
async function resultOf(host: Host, stop: AbortSignal, work: (host: Host) => Promise<HostResult>): Promise<HostResult> {
  if (host.exclude !== null) {
    return { status: 'skipped', cause: 'excluded', error: { message: `excluded: ${host.exclude}`, hint: null } }
  }
  if (stop.aborted) return interrupted()
  try {
    return await work(host)
  } catch (error) {
    if (error instanceof ConnectError) {
      return error.reason === 'aborted' ? interrupted() : { status: 'unreachable', error: describe(error) }
    }
    return { status: 'failed', error: describe(error) }
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
