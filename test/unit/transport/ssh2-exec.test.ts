/** Commands over a real SSH connection: what comes back, and what is said when nothing does. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CommandError } from '../../../src/errors.ts'
import type { Connection } from '../../../src/transport/connection.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { type SimulatedLab, startSimulated } from '../../lab/simulated.ts'
import { connectError, fromLab, knownHostsOf, never } from './hosts.ts'

let lab: SimulatedLab
let open: (keepaliveMs?: number) => Promise<Connection>
const sim = () => lab.host('sim-1')

beforeAll(async () => {
  lab = await startSimulated(1, {
    answer: ({ command, stdin }) => ({
      stdout: `${command}|${stdin}`,
      stderr: 'warned\n',
      exitCode: stdin.length % 200,
    }),
  })
  const knownHosts = await knownHostsOf(lab.hosts())
  open = async keepaliveMs => {
    const connect = createSsh2Connect({ knownHosts, policy: 'strict', ...(keepaliveMs ? { keepaliveMs } : {}) })
    const [first] = lab.hosts()
    if (!first) throw new Error('no host')
    return connect(fromLab(first), never)
  }
})
afterEach(async () => {
  await sim().heal()
  await expect.poll(() => lab.openConnections()).toBe(0)
})
afterAll(() => lab[Symbol.asyncDispose]())

test('command, input, both outputs and the exit code arrive', async () => {
  await using connection = await open()
  const result = await connection.exec('/bin/sh -s -- a', { stdin: 'exit 3\n' })
  expect(result).toEqual({ exitCode: 7, stdout: '/bin/sh -s -- a|exit 3\n', stderr: 'warned\n' })
})

test('a script larger than the SSH window arrives whole', async () => {
  await using connection = await open()
  sim().answer(({ stdin }) => ({ stdout: String(stdin.length), exitCode: 0 }))
  const { stdout } = await connection.exec('cat', { stdin: 'ä'.repeat(2_500_000) })
  expect(stdout).toBe('2500000')
})

test('commands side by side on one connection', async () => {
  await using connection = await open()
  sim().answer(({ command }) => ({ stdout: command, exitCode: 0 }))
  const results = await Promise.all(Array.from({ length: 8 }, (_, i) => connection.exec(`c${i}`)))
  expect(results.map(({ stdout }) => stdout)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'])
})

test('a connection lost under a command', async () => {
  await using connection = await open()
  sim().failExec({ kind: 'drop', afterBytes: 3 })
  const error = await connectError(connection.exec('half'), 'lost')
  expect(error.message).toBe('sim-1: the connection was lost while a command ran: what it did is not known')
  expect(connection.alive).toBe(false)
  expect(error.retryable).toBe(false)
  const next = await connectError(connection.exec('more'), 'closed')
  expect(next.message).toContain('was not sent')
})

test('a session cut from outside', async () => {
  await using connection = await open()
  sim().failExec({ kind: 'hang' })
  const running = connectError(connection.exec('long'), 'lost')
  await expect.poll(() => sim().counts.execs).toBeGreaterThan(0)
  await lab.sever('sim-1')
  await running
  expect(connection.alive).toBe(false)
})

test('a command that never ends meets its deadline, and the socket is gone with it', async () => {
  const connection = await open()
  sim().failExec({ kind: 'hang' })
  const error = await connectError(connection.exec('hang', { deadlineMs: 100 }), 'lost')
  expect(error.message).toBe('sim-1: gave up on a command after 0.1s: what it did is not known')
  expect(connection.alive).toBe(false)
  await expect.poll(() => lab.openConnections()).toBe(0)
  await connection[Symbol.asyncDispose]()
})

test('stopped from outside', async () => {
  await using connection = await open()
  sim().failExec({ kind: 'hang' })
  await connectError(connection.exec('hang', { signal: AbortSignal.timeout(50) }), 'aborted')
  await using second = await open()
  await connectError(second.exec('never sent', { signal: AbortSignal.abort() }), 'aborted')
  expect(second.alive).toBe(true)
})

test('a host gone mute is noticed by keepalive, long before the deadline', async () => {
  await using connection = await open(30)
  expect((await connection.exec('true')).exitCode).toBe(0)
  lab.freeze('sim-1')
  const error = await connectError(connection.exec('true'), 'lost')
  expect(error.message).toContain('(Keepalive timeout)')
  expect(connection.alive).toBe(false)
  await lab.sever('sim-1')
})

test('closing does not wait for a host gone mute', async () => {
  const connection = await open()
  lab.freeze('sim-1')
  const start = performance.now()
  await connection[Symbol.asyncDispose]()
  expect(performance.now() - start).toBeLessThan(5_000)
  await lab.sever('sim-1')
})

test('killed by a signal: there is no exit code', async () => {
  await using connection = await open()
  sim().failExec({ kind: 'signal', name: 'KILL' })
  const error = await connectError(connection.exec('x'), 'lost')
  expect(error.message).toContain('killed by SIGKILL')
})

test('an exit code counts though a child keeps the output open', async () => {
  await using connection = await open()
  sim().answer(() => ({ stdout: 'out', exitCode: 4 }))
  sim().failExec({ kind: 'held-open' })
  expect(await connection.exec('x', { deadlineMs: 150 })).toEqual({ exitCode: 4, stdout: 'out', stderr: '' })
})

test('four megabytes are read, more is refused', async () => {
  await using connection = await open()
  sim().answer(() => ({ exitCode: 0 }))
  sim().failExec({ kind: 'flood', bytes: 4 * 1024 * 1024 })
  expect((await connection.exec('just')).stdout).toHaveLength(4 * 1024 * 1024)
  sim().failExec({ kind: 'flood', bytes: 5 * 1024 * 1024 })
  const error = await connection.exec('too much').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CommandError)
  expect(String(error)).toContain('sim-1: a command printed more than 4 MiB')
  expect(connection.alive).toBe(false)
})

test('slow output is waited for', async () => {
  await using connection = await open()
  sim().answer(() => ({ stdout: 'x'.repeat(160), exitCode: 0 }))
  sim().failExec({ kind: 'slow', chunkMs: 10 })
  expect((await connection.exec('slow')).stdout).toHaveLength(160)
})

test('bytes that are no text and escapes arrive as data, never as a failure', async () => {
  await using connection = await open()
  sim().answer(() => ({ stdout: 'out', exitCode: 0 }))
  sim().failExec({ kind: 'garbage' })
  expect((await connection.exec('x')).exitCode).toBe(0)
  sim().failExec({ kind: 'escapes' })
  expect((await connection.exec('x')).stdout).toContain('\u001b]0;title')
})

test('no /bin/sh is an exit code like any other', async () => {
  await using connection = await open()
  sim().failExec({ kind: 'no-sh' })
  expect((await connection.exec('/bin/sh -s')).exitCode).toBe(127)
})

test('a server that opens no session', async () => {
  await using connection = await open()
  sim().failExec({ kind: 'no-session' }, 1)
  await connectError(connection.exec('x'), 'protocol')
  expect(connection.alive).toBe(true)
  expect((await connection.exec('x')).exitCode).toBe(0)
})
