/** Which of its addresses a host is reached at, and from which of ours. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANYWHERE, endsFor, type LocalEnd, localEnd } from '../../../src/transport/local-end.ts'
import { openSocket } from '../../../src/transport/socket.ts'
import { connectError, hostOf, never } from './hosts.ts'

const LOOPBACK = Object.entries(networkInterfaces()).find(([, all]) => all?.some(own => own.internal))?.[0] ?? 'lo'
const hasSix = networkInterfaces()[LOOPBACK]?.some(own => own.family === 'IPv6') === true
const seen: (string | undefined)[] = []
let server: Server

beforeAll(async () => {
  server = createServer(guest => {
    seen.push(guest.remoteAddress)
    guest.end().on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

async function open(from: Partial<LocalEnd>, address = '127.0.0.1') {
  const bound = server.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  const options = { tcpMs: 2_000, totalMs: 2_000, signal: never, from: { ...ANYWHERE, ...from } }
  const socket = await openSocket(hostOf({ address, port }), options)
  await once(socket.resume(), 'close')
}

test('BindAddress, by number and by name; BindInterface', async () => {
  seen.length = 0
  await open({ address: '127.0.0.9' })
  await open({ address: 'localhost', interface: 'none-such' })
  await open({ interface: LOOPBACK })
  expect(seen).toEqual(['127.0.0.9', '127.0.0.1', '127.0.0.1'])
})

test.each([
  [{ family: 6 }, 'AddressFamily inet6'],
  [{ address: '::1' }, 'BindAddress ::1'],
  [{ interface: 'none-such' }, 'BindInterface none-such'],
] as const)('%j leaves no way to an IPv4 host', async (from, name) => {
  const error = await connectError(open(from), 'dns')
  expect(error.message).toContain(`it has no address that ${name} allows`)
})

test('an address that is not ours', async () => {
  const error = await connectError(open({ address: '192.0.2.1' }), 'protocol')
  expect(error.message).toMatch(/: this machine has no address 192\.0\.2\.1 to come from$/)
})

const BOTH = [
  { address: '2001:db8::1', family: 6 },
  { address: '192.0.2.1', family: 4 },
  { address: '192.0.2.2', family: 4 },
]

test('of a name with addresses of both families', async () => {
  expect(await endsFor(ANYWHERE, BOTH)).toEqual({ local: null, remote: BOTH })
  expect((await endsFor({ ...ANYWHERE, family: 4 }, BOTH)).remote).toEqual(BOTH.slice(1))
  const bound = await endsFor({ ...ANYWHERE, address: '127.0.0.9' }, BOTH)
  expect(bound).toEqual({ local: '127.0.0.9', remote: BOTH.slice(1) })
  const loopback = await endsFor({ ...ANYWHERE, interface: LOOPBACK }, BOTH)
  expect(loopback).toEqual(
    hasSix ? { local: '::1', remote: BOTH.slice(0, 1) } : { local: '127.0.0.1', remote: BOTH.slice(1) },
  )
})

test('as ssh_config says it', () => {
  const settings = new Map([['addressfamily', ['INET']]])
  expect(localEnd(settings)).toEqual({ family: 4, address: null, interface: null })
  expect(localEnd(new Map([['addressfamily', ['any']]]))).toEqual(ANYWHERE)
})
