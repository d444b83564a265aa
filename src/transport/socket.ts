/** The TCP connection, opened by us: only so does it have a deadline of its own and a handle that really closes. */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { cannotConnect, connectFailure } from './failure.ts'
import { type Address, endsFor, type LocalEnd } from './local-end.ts'

/** Time for one repeated SYN before the next address; Node's own 250 ms would give up on any lossy path. */
const NEXT_MS = 1_200

interface SocketOptions {
  readonly tcpMs: number
  readonly totalMs: number
  readonly signal: AbortSignal
  readonly from: LocalEnd
  /** All addresses of a name; what tests put their own in for. */
  readonly lookUp?: (name: string) => Promise<readonly Address[]>
}

/** Rejects with ConnectError: dns, refused, timeout, closed or aborted. */
export async function openSocket(host: Host, options: SocketOptions): Promise<Socket> {
  const { tcpMs, totalMs, signal, from } = options
  const start = performance.now()
  const addresses = await addressesOf(host, options)
  const { local, remote } = await endsFor(from, addresses).catch(error => Promise.reject(connectFailure(host, error)))
  const [first] = remote
  if (!first) throw noWayFrom(host, from)
  const left = totalMs - (performance.now() - start)
  // Each address but the last costs its own time; ssh's limit is for one of them, too.
  const deadlineMs = Math.max(1, Math.min(tcpMs + NEXT_MS * (remote.length - 1), left))
  const socket = connect({
    host: host.address,
    port: host.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.max(10, Math.min(NEXT_MS, Math.floor(deadlineMs / (remote.length + 1)))),
    lookup: (_name, asked, done) => {
      if (asked.all === true) done(null, [...remote])
      else done(null, first.address, first.family)
    },
    ...(local === null ? {} : { localAddress: local }),
  })
  try {
    await connected(host, socket, deadlineMs, signal)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** No address of it can be reached by what ssh_config or an option allows. */
function noWayFrom(host: Host, { family, address, interface: name }: LocalEnd): ConnectError {
  const own = address === null ? `BindInterface ${name}` : `BindAddress ${address}`
  const what = address === null && name === null ? `AddressFamily ${family === 6 ? 'inet6' : 'inet'}` : own
  return cannotConnect(host, 'dns', `it has no address that ${what} allows`, { hint: `getent ahosts ${host.address}` })
}

/** Outside the TCP deadline: a resolver whose first server is dead takes five seconds and is still right. */
async function addressesOf(
  host: Host,
  { totalMs, signal, lookUp = name => lookup(name, { all: true }) }: SocketOptions,
): Promise<readonly Address[]> {
  const family = isIP(host.address)
  const zone = family === 6 ? host.address.split('%')[1] : undefined
  // The kernel would be asked without it, and go to some other link.
  if (zone !== undefined && !/^\d+$/.test(zone) && !(zone in networkInterfaces())) {
    throw cannotConnect(host, 'dns', `this machine has no interface ${zone}`, { hint: 'ip -brief address' })
  }
  if (family !== 0) return [{ address: host.address, family }]
  const found = lookUp(host.address)
  return settle(
    host,
    found.catch(error => Promise.reject(connectFailure(host, error))),
    totalMs,
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
