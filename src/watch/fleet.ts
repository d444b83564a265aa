/** Many hosts, each over a connection that is held; who is lost is connected to again. */
import { setTimeout as delay } from 'node:timers/promises'
import pLimit, { type LimitFunction } from 'p-limit'
import { ConnectError, CtfixError, messageOf, NotTriedError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Connect } from '../transport/connection.ts'
import { follow } from './follow.ts'
import type { Link, WatchEvent } from './watched.ts'

export interface WatchOptions {
  readonly connect: Connect
  readonly intervalMs: number
  /** Hosts that are connected to at once. */
  readonly forks: number
  /** Ends it, and every connection. */
  readonly signal: AbortSignal
  /** Of each host so many readings and no more; who is lost is not tried again. null: until `signal`. */
  readonly readings: number | null
  readonly emit: (event: WatchEvent) => void
  readonly newestLine: (host: string) => number
  /** 0 to 1; tests give their own. */
  readonly random?: () => number
}

const LONGEST_PAUSE_MS = 30_000

/** Watches until `signal`, or until every host has said enough. Rejects with what is no host's fault. */
export async function watchFleet(hosts: readonly Host[], options: WatchOptions): Promise<void> {
  const limit = pLimit(options.forks)
  await Promise.all(
    hosts.map(host => (host.exclude === null ? watchHost(host, options, limit) : exclude(host, options))),
  )
}

async function exclude({ name, exclude: reason }: Host, { emit }: WatchOptions): Promise<void> {
  emit({ type: 'link', host: name, link: 'excluded', error: `excluded: ${reason}` })
}

async function watchHost(host: Host, options: WatchOptions, limit: LimitFunction): Promise<void> {
  const { signal, emit, random = Math.random } = options
  let failures = 0
  let left = options.readings
  const onHeard = (): boolean => {
    failures = 0
    if (left !== null) left -= 1
    return left !== 0
  }
  while (!signal.aborted) {
    try {
      await watchOnce(host, options, { limit, onHeard })
      return
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof CtfixError)) throw error
      const after = linkAfter(error)
      const link = after === 'lost' && options.readings !== null ? 'unreachable' : after
      emit({ type: 'link', host: host.name, link, error: messageOf(error) })
      if (link !== 'lost') return
      failures += 1
      await delay(random() * pauseAfter(failures), undefined, { signal }).catch(() => {})
    }
  }
}

interface Once {
  readonly limit: LimitFunction
  /** False: that was enough. */
  readonly onHeard: () => boolean
}

async function watchOnce(host: Host, options: WatchOptions, { limit, onHeard }: Once): Promise<void> {
  const { connect, signal, intervalMs, emit, newestLine } = options
  const { name } = host
  await using connection = await limit(() => {
    signal.throwIfAborted()
    return connect(host, signal)
  })
  await follow(connection, {
    ...{ intervalMs, signal },
    newestLine: () => newestLine(name),
    onReading(reading) {
      emit({ type: 'reading', host: name, reading, atMs: performance.now() })
      return onHeard()
    },
  })
}

/**
 * Only who cannot be reached at the moment is tried again: a refused login, an unknown key, or a host that cannot be asked
 * does not heal by that.
 */
export function linkAfter(error: CtfixError): Exclude<Link, 'connecting' | 'live' | 'excluded'> {
  if (error instanceof NotTriedError) return 'skipped'
  if (!(error instanceof ConnectError)) return 'failed'
  return error.retryable || error.reason === 'lost' || error.reason === 'dns' ? 'lost' : 'unreachable'
}

/** Full jitter: where a network was gone, all of them come back at once. */
export function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** failures)
}
