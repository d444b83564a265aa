/** A name with several addresses, of which the first are dead: each gets its time, and the one that lives is reached. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANYWHERE } from '../../../src/transport/local-end.ts'
import { openSocket } from '../../../src/transport/socket.ts'
import { connectError, hostOf, never } from './hosts.ts'

let addresses: string[] = []

let living: Server
let dead: ChildProcess
const fillers: Socket[] = []
let port = 0

beforeAll(async () => {
  living = createServer(guest => guest.end().on('error', () => {})).listen(0, '127.0.0.9')
  await once(living, 'listening')
  const bound = living.address()
  port = typeof bound === 'object' && bound ? bound.port : 0
  // Stopped, and with its queue full: what comes now is dropped, as by a machine that is off.
  const listen = (host: string): string =>
    `require('net').createServer().listen({ host: '${host}', port: ${port}, backlog: 1 })`
  dead = spawn(process.execPath, ['-e', `${DEAD.map(listen).join(';')};setTimeout(() => console.log(1), 200)`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (dead.stdout) await once(dead.stdout, 'data')
  dead.kill('SIGSTOP')
  for (const host of [...DEAD, ...DEAD, ...DEAD]) fillers.push(connect(port, host).on('error', () => {}))
  await new Promise(resolve => setTimeout(resolve, 300))
})
afterAll(() => {
  for (const filler of fillers) filler.destroy()
  dead.kill('SIGKILL')
  living.close()
})

const DEAD = ['127.0.0.2', '127.0.0.3', '127.0.0.4']

const lookUp = () => Promise.resolve(addresses.map(address => ({ address, family: 4 })))

const open = (tcpMs: number) =>
  openSocket(hostOf({ address: 'several', port }), { tcpMs, totalMs: 20_000, signal: never, from: ANYWHERE, lookUp })

test('the last of four lives', { timeout: 20_000 }, async () => {
  addresses = [...DEAD, '127.0.0.9']
  const socket = await open(2_500)
  expect(socket.remoteAddress).toBe('127.0.0.9')
  socket.destroy()
})

test('none of them lives: the time of each is over', { timeout: 20_000 }, async () => {
  addresses = DEAD.slice(0, 2)
  const start = performance.now()
  await connectError(open(500), 'timeout')
  expect(performance.now() - start).toBeLessThan(8_000)
})

test('a zone of IPv6 that is no interface here is said so, not gone past', async () => {
  const limits = { tcpMs: 500, totalMs: 2_000, signal: never, from: ANYWHERE }
  const error = await connectError(openSocket(hostOf({ address: 'fe80::1%nosuch0', port }), limits), 'dns')
  expect(error.message).toMatch(/: this machine has no interface nosuch0$/)
  expect(error.hint).toBe('ip -brief address')
})
