/** Agents that take a question and never answer, as a forwarded one whose other end is gone. */
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createConnect } from '../../../src/transport/connect.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { userKeyFile } from '../../lab/simulated/keys.ts'
import { type SimulatedLab, startSimulated } from '../../lab/simulated.ts'
import { connectError, fromLab, knownHostsOf, never, temporary } from './hosts.ts'

let lab: SimulatedLab
let directory: ReturnType<typeof temporary>
const host = () => {
  const [first] = lab.hosts()
  if (!first) throw new Error('no host')
  return fromLab(first, { privateKeyFile: null })
}

beforeEach(async () => {
  lab = await startSimulated(1)
  directory = temporary()
})
afterEach(async () => {
  directory[Symbol.dispose]()
  await lab[Symbol.asyncDispose]()
})

/** Listens like an agent; `answer` gets the type of each question, and may say something. */
function agent(answer: (question: number | undefined, guest: Socket) => void) {
  const path = join(directory.path, 'agent')
  let open = 0
  let asked = 0
  const server = createServer(guest => {
    open += 1
    guest
      .on('error', () => {})
      .on('close', () => {
        open -= 1
      })
    guest.on('data', (chunk: Buffer) => {
      asked += 1
      answer(chunk[4], guest)
    })
  }).listen(path)
  return { path, open: () => open, asked: () => asked, [Symbol.dispose]: () => void server.close() }
}

const sized = (bytes: Buffer): Buffer => Buffer.concat([number(bytes.length), bytes])

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

test('a mute agent is let go, and named when nothing else lets us in', async () => {
  using mute = agent(() => {})
  const connect = createSsh2Connect({
    knownHosts: await knownHostsOf(lab.hosts()),
    policy: 'strict',
    agentSocket: mute.path,
  })
  const start = performance.now()
  const errors = await Promise.all([1, 2].map(() => connectError(connect(host(), never), 'auth')))
  for (const { message, hint } of errors) {
    expect(message).toContain(`the agent ${mute.path} does not answer`)
    expect(hint).toBe('ssh-add -l shows whether it lives; SSH_AUTH_SOCK= ctfix … goes without it')
  }
  // Whoever comes later need not wait for it, too.
  await connectError(connect(host(), never), 'auth')
  expect(performance.now() - start).toBeLessThan(8_000)
  expect(mute.asked()).toBe(2)
  await expect.poll(mute.open).toBe(0)
}, 20_000)

test('an agent that shows its keys and never signs: the error says so, and nothing of it is kept open', async () => {
  const key = ssh2.utils.parseKey(readFileSync(userKeyFile().path))
  if (key instanceof Error) throw key
  using mute = agent((question, guest) => {
    const shown = Buffer.concat([Buffer.from([12]), number(1), sized(key.getPublicSSH()), sized(Buffer.from('mine'))])
    if (question === 11) guest.write(sized(shown))
  })
  const connect = createSsh2Connect({
    knownHosts: await knownHostsOf(lab.hosts()),
    policy: 'strict',
    agentSocket: mute.path,
  })
  const limits = { tcpMs: 10_000, bannerMs: 10_000, loginMs: 2_000, totalMs: 25_000 }
  const error = await connectError(connect(host(), never, limits), 'auth')
  expect(error.message).toContain(`the agent ${mute.path} does not sign`)
  await expect.poll(mute.open).toBe(0)
})

test('waiting for it takes nothing of a host’s time', async () => {
  using mute = agent(() => {})
  using other = temporary()
  const connect = createConnect({
    sshConfig: 'none',
    knownHostsFiles: [join(other.path, 'known')],
    hostKeyPolicy: 'accept-new',
    agentSocket: mute.path,
    connectTimeoutMs: 3_000,
    defaultKeyFiles: [userKeyFile().path],
  })
  await using connection = await connect(host(), never)
  expect(connection.alive).toBe(true)
}, 20_000)
