/** One new connection: does the handshake come about, how soon, and if not, who says so? */
import { connect } from 'node:net'
import type { Answer } from './figures.ts'

/** A SYN is sent at once, after 1 s and after 3 s: by then two of them were lost. */
export const DEADLINE_MS = 3_000

/** What the host, or a firewall before it, says of a connection; anything else is said by this machine. */
const REFUSED = ['ECONNREFUSED', 'ECONNRESET']
/** A router that cannot find the host, or is told not to. Of a whole network that is as a rule this machine's own lack of a route. */
const UNREACHABLE = ['EHOSTUNREACH', 'ETIMEDOUT', 'EHOSTDOWN']

/**
 * `address` is a number: looking names up would share its few threads with all hosts. The connection is ended by a reset:
 * its entry is then gone from the host's table after 10 s, and not after two minutes, and no port of ours stays taken.
 */
export async function tryTcp(address: string, port: number, deadlineMs = DEADLINE_MS): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const from = performance.now()
  const socket = connect({ host: address, port, noDelay: true })
  // What came in while this process was busy is heard before it is said to be lost.
  const timer = setTimeout(() => setImmediate(() => resolve({ kind: 'lost' })), deadlineMs)
  socket.once('connect', () => resolve({ kind: 'answer', ms: performance.now() - from }))
  socket.on('error', error => resolve(answerOf(error, performance.now() - from)))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    if (socket.readyState === 'open') socket.resetAndDestroy()
    else socket.destroy()
  }
}

function answerOf(error: Error, ms: number): Answer {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message
  if (REFUSED.includes(code)) return { kind: 'refused', ms }
  if (UNREACHABLE.includes(code)) return { kind: 'lost' }
  return { kind: 'unmeasured', why: `this machine could not try: ${code}` }
}
