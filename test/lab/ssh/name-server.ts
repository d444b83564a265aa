/** A name server that knows one answer for every question, and takes its time. */
import { createSocket } from 'node:dgram'

/** Of the loopback network, so that the machine's own name server is not in its way. */
const ADDRESS = '127.53.53.53'

export interface NameServer extends AsyncDisposable {
  /** resolv.conf of whoever is to ask it, and to wait for it. */
  readonly resolvConf: string
  questions(): number
}

/** Says 127.0.0.1 for every name, after so long. */
export async function startNameServer(delayMs: number): Promise<NameServer> {
  const socket = createSocket('udp4')
  const pending = new Map<NodeJS.Timeout, () => Promise<void>>()
  let questions = 0
  socket.on('message', (question, from) => {
    questions += 1
    const answer = (): Promise<void> =>
      new Promise(resolve => socket.send(answerTo(question), from.port, from.address, () => resolve()))
    const timer = setTimeout(() => {
      pending.delete(timer)
      void answer()
    }, delayMs)
    pending.set(timer, answer)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(53, ADDRESS, resolve)
  })
  return {
    resolvConf: `nameserver ${ADDRESS}\noptions timeout:30 attempts:1`,
    questions: () => questions,
    [Symbol.asyncDispose]: async () => {
      // A session of sshd that waits for its answer holds the test's own stderr.
      for (const timer of pending.keys()) clearTimeout(timer)
      await Promise.all([...pending.values()].map(answer => answer()))
      await new Promise<void>(resolve => socket.close(() => resolve()))
    },
  }
}

/** The question again, flagged as an answer; for an A record also the one address, for any other none. */
function answerTo(question: Buffer): Buffer {
  let end = 12
  while ((question[end] ?? 0) !== 0) end += (question[end] ?? 0) + 1
  const asked = question.subarray(0, end + 5)
  const isA = asked.readUInt16BE(end + 1) === 1
  const reply = Buffer.concat([
    asked,
    // The name of the question, A, IN, a minute, four bytes.
    isA ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]) : Buffer.alloc(0),
  ])
  reply.writeUInt16BE(0x8180, 2)
  reply.writeUInt16BE(isA ? 1 : 0, 6)
  reply.writeUInt16BE(0, 8)
  reply.writeUInt16BE(0, 10)
  return reply
}
