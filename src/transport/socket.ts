/** The TCP connection, opened by us: only so does it have a deadline of its own and a handle that really closes. */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { cannotConnect, connectFailure } from './failure.ts'

interface SocketOptions {
  readonly tcpMs: number
  readonly totalMs: number
  readonly signal: AbortSignal
}

/** Rejects with ConnectError: dns, refused, timeout, closed or aborted. */
export async function openSocket(host: Host, { tcpMs, totalMs, signal }: SocketOptions): Promise<Socket> {
  const start = performance.now()
  const addresses = await addressesOf(host, totalMs, signal)
  const left = totalMs - (performance.now() - start)
  const deadlineMs = Math.max(1, Math.min(tcpMs, left))
  const socket = connect({
    host: host.address,
    port: host.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    // Time for one repeated SYN before the next address; Node's own 250 ms would give up on any lossy path.
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.max(10, Math.min(1_200, Math.floor(deadlineMs / 2))),
    lookup: (_name, options, done) => {
      const [first] = addresses
      if (options.all === true) done(null, [...addresses])
      else done(null, first?.address ?? '', first?.family ?? 4)
    },
  })
  try {
    await connected(host, socket, deadlineMs, signal)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

type Address = { readonly address: string; readonly family: number }

/** Outside the TCP deadline: a resolver whose first server is dead takes five seconds and is still right. */
async function addressesOf(host: Host, limitMs: number, signal: AbortSignal): Promise<readonly Address[]> {
  const family = isIP(host.address)
  if (family !== 0) return [{ address: host.address, family }]
  const found = lookup(host.address, { all: true })
  return settle(
    host,
    found.catch(error => Promise.reject(connectFailure(host, error))),
    limitMs,
    signal,
    'name look-up',
  )
}

async function connected(host: Host, socket: Socket, limitMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (error: Error): void => reject(connectFailure(host, error))
  socket.once('connect', resolve).once('error', failed)
  try {
    await settle(host, promise, limitMs, signal, 'answer to a TCP connection')
  } finally {
    socket.off('connect', resolve).off('error', failed)
    // A late error of a socket we gave up must not end the process.
    socket.on('error', () => {})
  }
}

/** The promise, or a ConnectError when time is up or the run is stopped. */
async function settle<T>(host: Host, work: Promise<T>, limitMs: number, signal: AbortSignal, what: string): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new ConnectError(host.name, 'aborted', `${host.name}: stopped while connecting`))
  const timer = setTimeout(() => {
    const text = `no ${what} within ${Math.round(limitMs / 100) / 10}s`
    reject(cannotConnect(host, 'timeout', text))
  }, limitMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, stopped])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
