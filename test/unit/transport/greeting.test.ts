/** What stands before a server's name: lines that belong there, in any number of pieces, and what is no SSH at all. */

import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ConnectReason } from '../../../src/errors.ts'
import type { Limits } from '../../../src/transport/attempt.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { startSimulated } from '../../lab/simulated.ts'
import { connectError, firstOf, knownHostsOf, never } from './hosts.ts'

const LIMITS: Limits = { tcpMs: 500, bannerMs: 1_000, loginMs: 1_500, totalMs: 3_000 }

/** A server on a port of its own that does this with each connection. */
async function serverOf(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket.on('error', () => {}))
    serve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  return { port: typeof address === 'object' && address ? address.port : 0, [Symbol.asyncDispose]: close }
}

/** Says this, then hands on what an SSH server says, whose name comes in pieces, too. */
async function sayBefore(pieces: readonly string[], socket: Socket, port: number): Promise<void> {
  const behind = dial(port, '127.0.0.1')
  behind.on('error', () => socket.destroy())
  socket.on('data', chunk => behind.write(chunk)).on('close', () => behind.destroy())
  for (const piece of pieces) {
    socket.write(piece)
    await delay(15)
  }
  const name: unknown = behind.read() ?? (await once(behind, 'readable').then(() => behind.read()))
  if (!Buffer.isBuffer(name)) throw new Error('the server has no name')
  for (const part of [name.subarray(0, 3), name.subarray(3, 9), name.subarray(9)]) {
    socket.write(part)
    await delay(15)
  }
  behind.pipe(socket)
}

async function logInBehind(pieces: readonly string[]): Promise<void> {
  await using lab = await startSimulated(1)
  const host = firstOf(lab)
  await using server = await serverOf(socket => void sayBefore(pieces, socket, host.port))
  const known = lab
    .hosts()
    .map(one => ({ ...one, knownHosts: one.knownHosts.replace(`${host.port}`, `${server.port}`) }))
  const connect = createSsh2Connect({ knownHosts: await knownHostsOf(known), policy: 'strict' })
  await using connection = await connect({ ...host, port: server.port }, never, LIMITS)
  expect(connection.alive).toBe(true)
}

test.each<[string, readonly string[]]>([
  ['nothing', []],
  ['a line', ['Authorized use only\r\n']],
  ['a line letter by letter', [...'Hello\r\n']],
  ['64 KiB in lines', Array.from({ length: 64 }, () => `${'x'.repeat(1021)}\r\n`)],
])('%s before the name', (_, pieces) => logInBehind(pieces))

test.each<[string, string, ConnectReason, string]>([
  ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'closed', 'HTTP/1.1 400 Bad Request'],
  ['sshd that has too many', 'Exceeded MaxStartups\r\n', 'closed', 'Exceeded MaxStartups'],
  ['SSH 1', 'SSH-1.5-Old\r\n', 'protocol', 'SSH-1.5-Old'],
  ['what a terminal would act on', '\u001b[2Jx\r\n', 'closed', '\\x1b[2Jx'],
  ['a line without an end', 'y'.repeat(10_000), 'protocol', `${'y'.repeat(60)}…`],
])('%s: what it said is the error', async (_, text, reason, shown) => {
  await using lab = await startSimulated(1)
  await using server = await serverOf(socket => socket.end(text))
  const connect = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict' })
  const error = await connectError(connect({ ...firstOf(lab), port: server.port }, never, LIMITS), reason)
  expect(error.message).toBe(
    `sim-1: cannot connect to 127.0.0.1:${server.port}: the server does not speak SSH 2: it said "${shown}"`,
  )
  expect(error.hint).toBe(`ssh -v -p ${server.port} 127.0.0.1 shows who answers there`)
})

test('lines without an end are waited for as long as any login', async () => {
  await using lab = await startSimulated(1)
  await using server = await serverOf(socket => {
    const timer = setInterval(() => socket.write('still waiting\r\n'), 50)
    socket.on('close', () => clearInterval(timer))
  })
  const connect = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict' })
  const error = await connectError(connect({ ...firstOf(lab), port: server.port }, never, LIMITS), 'timeout')
  expect(error.message).toContain('it said "still waiting"')
})
