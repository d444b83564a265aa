/** Asking a host again: a question that the host may be asked twice is asked until somebody answers. */
import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type Connection, SILENCE_MS } from '../transport/connection.ts'
import type { Tools } from './tools.ts'

/** Between two attempts: a host that is booting or taking itself back needs seconds, not milliseconds. */
const PAUSE_MS = 1000

/**
 * Over the connections that still live, in their order, then over new ones, until `untilMs` of `performance.now()` has
 * passed; the first answer counts. Only for what a host may be asked twice. Rejects with the last error.
 */
export async function persevere<T>(
  host: Host,
  connections: readonly Connection[],
  untilMs: number,
  tools: Tools,
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  const silent: Promise<T>[] = []
  for (const connection of connections) {
    if (!connection.alive) continue
    const answer = ask(connection)
    try {
      const first = await Promise.race([answer, delay(SILENCE_MS, SILENCE, { ref: false })])
      if (first !== SILENCE) return first
      // Its error is heard nowhere else.
      silent.push(answer.catch(() => never()))
    } catch (error) {
      if (!(error instanceof ConnectError) || tools.signal.aborted) throw error
    }
  }
  const answered = new AbortController()
  const signal = AbortSignal.any([tools.signal, answered.signal])
  try {
    return await Promise.race([...silent, overNewOnes(host, untilMs, { ...tools, signal }, ask)])
  } finally {
    // Whoever has the answer goes on with the host: a connection that comes only now must not ask any more.
    answered.abort()
  }
}

const SILENCE = Symbol('silence')

function never(): Promise<never> {
  return new Promise(() => {})
}

async function overNewOnes<T>(
  host: Host,
  untilMs: number,
  tools: Tools,
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      await using fresh = await tools.connect(host, tools.signal)
      if (tools.signal.aborted) throw new ConnectError(host.name, 'aborted', `${host.name}: answered already`)
      return await ask(fresh)
    } catch (error) {
      if (!isPassing(error) || tools.signal.aborted || performance.now() > untilMs) throw error
      await delay(PAUSE_MS)
    }
  }
}

/** Keys and passwords do not heal, and trying them again locks accounts. */
function isPassing(error: unknown): boolean {
  return error instanceof ConnectError && error.reason !== 'auth' && error.reason !== 'host-key'
}
