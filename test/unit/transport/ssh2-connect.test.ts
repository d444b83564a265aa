/** Every way a connection can fail to open, against servers that fail in exactly that way. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Attempt, Limits } from '../../../src/transport/attempt.ts'
import { KnownHosts } from '../../../src/transport/known-hosts.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { type SimulatedLab, startSimulated } from '../../lab/simulated.ts'
import { connectError, firstOf, fromLab, knownHostsOf, never, temporary } from './hosts.ts'

let lab: SimulatedLab
let connect: Attempt
/** Room for a machine that is busy with other tests. */
const limits: Limits = { tcpMs: 10_000, bannerMs: 10_000, loginMs: 10_000, totalMs: 25_000 }
const sim = () => lab.host('sim-1')
const host = () => firstOf(lab)

beforeAll(async () => {
  lab = await startSimulated(1)
  connect = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict' })
})
afterEach(async () => {
  await sim().heal()
  await expect.poll(() => lab.openConnections()).toBe(0)
})
afterAll(() => lab[Symbol.asyncDispose]())

test('opens and closes', async () => {
  const connection = await connect(host(), never, limits)
  expect(connection.alive).toBe(true)
  await connection[Symbol.asyncDispose]()
  expect(connection.alive).toBe(false)
})

test('one try at logging in: no probe of the methods, the right key first', async () => {
  const before = sim().counts.logins
  await using _connection = await connect(host(), never, limits)
  // The question whether the key would do, and the signature.
  expect(sim().counts.logins - before).toBe(2)
})

test('refused', async () => {
  await sim().failConnect('refuse')
  const error = await connectError(connect(host(), never, limits), 'refused')
  expect(error.message).toBe(`sim-1: cannot connect to 127.0.0.1:${host().port}: connection refused`)
})

test('a name that does not exist', async () => {
  const error = await connectError(connect({ ...host(), address: 'no-such-host.invalid' }, never, limits), 'dns')
  expect(error.message).toContain('no-such-host.invalid')
  expect(error.retryable).toBe(false)
})

test('TCP accepted, then silence', async () => {
  await sim().failConnect('hang')
  const error = await connectError(connect(host(), never, { ...limits, bannerMs: 200 }), 'timeout')
  expect(error.message).toContain('does not speak')
})

test('a banner, then silence', async () => {
  await sim().failConnect('stall')
  const start = performance.now()
  const error = await connectError(connect(host(), never, { ...limits, loginMs: 500 }), 'timeout')
  expect(error.message).toContain('the login does not end')
  expect(performance.now() - start).toBeGreaterThan(450)
})

test.each(['close', 'reset', 'greet-and-close'] as const)('%s before a word of SSH', async fault => {
  await sim().failConnect(fault)
  const error = await connectError(connect(host(), never, limits), 'closed')
  expect(error.retryable).toBe(true)
})

test('something that is not SSH', async () => {
  await sim().failConnect('babble')
  const error = await connectError(connect(host(), never, limits), 'protocol')
  expect(error.retryable).toBe(false)
})

test('the wrong host key never gets as far as logging in', async () => {
  await sim().failConnect('wrong-key')
  const before = sim().counts.logins
  const error = await connectError(connect(host(), never, limits), 'host-key')
  expect(error.message).toMatch(/ssh-ed25519 SHA256:\S{43}, \S+known_hosts:1 has ssh-ed25519 SHA256:\S{43}$/)
  expect(error.hint).toContain(`ssh-keygen -R '[127.0.0.1]:${host().port}'`)
  expect(sim().counts.logins).toBe(before)
  expect(error.retryable).toBe(false)
})

test('denied', async () => {
  await sim().failConnect('deny')
  const error = await connectError(connect(host(), never, limits), 'auth')
  expect(error.message).toContain(
    'login denied (tried publickey; the server takes publickey, password, keyboard-interactive) as user root',
  )
})

test('hung up on while logging in', async () => {
  await sim().failConnect('hang-up-in-login')
  await connectError(connect(host(), never, limits), 'closed')
})

test('stopped while connecting', async () => {
  await sim().failConnect('hang')
  await connectError(connect(host(), AbortSignal.timeout(50), limits), 'aborted')
  await connectError(connect(host(), AbortSignal.abort(), limits), 'aborted')
})

test('nothing to log in with', async () => {
  const error = await connectError(connect({ ...host(), privateKeyFile: null }, never, limits), 'auth')
  expect(error.message).toContain('no key, agent or password')
})

test('a key file that is not there', async () => {
  const error = await connectError(connect({ ...host(), privateKeyFile: '/nonexistent/key' }, never, limits), 'auth')
  expect(error.message).toBe('sim-1: there is no key file /nonexistent/key')
})

test('an old server: no common algorithm, and the hint leads to one', async () => {
  await using old = await startSimulated(1, { oldSsh: true })
  const [first] = old.hosts()
  if (!first) throw new Error('no host')
  const open = createSsh2Connect({ knownHosts: await knownHostsOf(old.hosts()), policy: 'strict' })
  const error = await connectError(open(fromLab(first), never, limits), 'protocol')
  expect(error.hint).toContain('ctfix_legacy_ssh: true')
  await using _connection = await open(fromLab(first, { legacySsh: true }), never, limits)
})

test('a key accepted as new is on file, and checked the next time', async () => {
  using directory = temporary()
  const file = join(directory.path, 'ssh', 'known_hosts')
  const open = createSsh2Connect({ knownHosts: await KnownHosts.load([file]), policy: 'accept-new' })
  await connectError(open({ ...host(), hostKeyPolicy: 'strict' }, never, limits), 'host-key')
  await using _connection = await open(host(), never, limits)
  expect(readFileSync(file, 'utf8')).toBe(`${lab.hosts()[0]?.knownHosts}\n`)
  await sim().failConnect('wrong-key')
  await connectError(open(host(), never, limits), 'host-key')
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(2)
})

test('a key that cannot be written down is not accepted', async () => {
  const open = createSsh2Connect({ knownHosts: await KnownHosts.load(['/proc/known_hosts']), policy: 'accept-new' })
  const error = await connectError(open(host(), never, limits), 'host-key')
  expect(error.message).toContain('its new host key is not accepted: /proc/known_hosts: cannot add')
})
