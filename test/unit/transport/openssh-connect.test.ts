/** Every way ssh can fail to connect: the same reasons as with the library, from servers that fail in exactly that way. */
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Attempt, Limits } from '../../../src/transport/attempt.ts'
import { createOpensshConnect } from '../../../src/transport/openssh.ts'
import { type SimulatedLab, startSimulated } from '../../lab/simulated.ts'
import { connectError, firstOf, fromLab, never, temporary, writeKnownHosts } from './hosts.ts'

let lab: SimulatedLab
let connect: Attempt
const directory = temporary()
/** Room for a machine that is busy with other tests. */
const limits: Limits = { tcpMs: 10_000, bannerMs: 10_000, loginMs: 10_000, totalMs: 25_000 }
/** Where their end is what is waited for. */
const SHORT: Readonly<Record<string, Limits>> = {
  hang: { ...limits, bannerMs: 600 },
  stall: { ...limits, loginMs: 1_000 },
}
const sim = () => lab.host('sim-1')
const host = () => firstOf(lab)

beforeAll(async () => {
  lab = await startSimulated(1)
  const file = writeKnownHosts(directory.path, lab.hosts())
  connect = createOpensshConnect({ knownHostsFiles: [file], configFile: '/dev/null', agentSocket: null })
})
afterEach(async () => {
  await sim().heal()
  await expect.poll(() => lab.openConnections()).toBe(0)
})
afterAll(async () => {
  directory[Symbol.dispose]()
  await lab[Symbol.asyncDispose]()
})

test('opens, and closes with everything it started', async () => {
  let spoke = false
  const connection = await connect(host(), never, { ...limits, onSpeaking: () => (spoke = true) })
  expect([connection.alive, spoke, lab.openConnections()]).toEqual([true, true, 1])
  await connection[Symbol.asyncDispose]()
  expect(connection.alive).toBe(false)
  await expect.poll(() => lab.openConnections()).toBe(0)
})

test.each([
  ['refuse', 'refused', /^sim-1: cannot connect to 127\.0\.0\.1:\d+: connection refused$/],
  ['hang', 'timeout', /the connection stands, but the SSH server does not speak$/],
  ['stall', 'timeout', /the SSH server speaks, but the login does not end$/],
  ['close', 'closed', /the server closed the connection before it spoke$/],
  ['greet-and-close', 'closed', /the server closed the connection before it spoke$/],
  ['wrong-key', 'host-key', /is not the known one: it shows ssh-ed25519 SHA256:\S{43}, \S+known_hosts:1 has another$/],
  ['deny', 'auth', /login denied \(tried publickey\) as user root$/],
  ['hang-up-in-login', 'closed', /the server closed the connection during the login$/],
] as const)('%s: %s', async (fault, reason, message) => {
  await sim().failConnect(fault)
  const error = await connectError(connect(host(), never, SHORT[fault] ?? limits), reason)
  expect(error.message).toMatch(message)
})

test('a name that does not exist', async () => {
  const error = await connectError(connect({ ...host(), address: 'no-such-host.invalid' }, never, limits), 'dns')
  expect(error.message).toMatch(/no-such-host\.invalid:\d+: name/)
})

test('a host key nobody knows, and one that is accepted as new and checked from then on', async () => {
  using own = temporary()
  const file = join(own.path, 'known hosts %d')
  const open = createOpensshConnect({
    knownHostsFiles: [file],
    policy: 'accept-new',
    configFile: '/dev/null',
    agentSocket: null,
  })
  const error = await connectError(open({ ...host(), hostKeyPolicy: 'strict' }, never, limits), 'host-key')
  expect(error.message).toMatch(/^sim-1: the host key of \S+ is not known \(ssh-ed25519 SHA256:\S{43}\)$/)
  expect(error.hint).toContain('--host-key accept-new')
  await (await open(host(), never, limits))[Symbol.asyncDispose]()
  await sim().failConnect('wrong-key')
  await connectError(open(host(), never, limits), 'host-key')
})

test('a key that cannot be written down is not accepted', async () => {
  const options = { policy: 'accept-new', configFile: '/dev/null', agentSocket: null } as const
  const open = createOpensshConnect({ ...options, knownHostsFiles: ['/proc/known_hosts'] })
  const error = await connectError(open(host(), never, limits), 'host-key')
  expect(error.message).toContain('its new host key is not accepted: /proc/known_hosts: cannot add')
})

test('ssh_config cannot turn the check off, nor make ssh ask somebody', async () => {
  using own = temporary()
  const configFile = join(own.path, 'config')
  writeFileSync(configFile, 'Host *\n  StrictHostKeyChecking no\n  BatchMode no\n  UserKnownHostsFile /dev/null\n')
  const open = createOpensshConnect({ configFile, agentSocket: null })
  await connectError(open(host(), never, limits), 'host-key')
})

test('a password is not for ssh, and the error says what to do', async () => {
  const { privateKeyFile: _, ...rest } = host()
  await sim().failConnect('deny')
  const { Secret } = await import('../../../src/inventory/host.ts')
  const withPassword = { ...rest, privateKeyFile: '/nonexistent', password: new Secret('kanarien') }
  const error = await connectError(connect(withPassword, never, limits), 'auth')
  expect(error.hint).toBe('ssh is given no password: use keys, an agent or Kerberos, or --transport ssh2')
})

test('stopped while connecting', async () => {
  await sim().failConnect('hang')
  await connectError(connect(host(), AbortSignal.timeout(50), limits), 'aborted')
  await connectError(connect(host(), AbortSignal.abort(), limits), 'aborted')
})

test('no ssh on this machine', async () => {
  const { PATH } = process.env
  using others = temporary()
  for (const tool of ['cat', 'rm']) symlinkSync(`/bin/${tool}`, join(others.path, tool))
  process.env.PATH = others.path
  try {
    const error = await connectError(connect(host(), never, limits), 'protocol')
    expect(error.message).toContain('there is no ssh on this machine')
  } finally {
    process.env.PATH = PATH
  }
})

test('an old server: the hint leads to ctfix_legacy_ssh, and with it ssh gets in', async () => {
  await using old = await startSimulated(1, { oldSsh: true })
  const [first] = old.hosts()
  if (!first) throw new Error('no host')
  using own = temporary()
  const file = join(own.path, 'known_hosts')
  writeFileSync(file, `${first.knownHosts}\n`)
  const open = createOpensshConnect({ knownHostsFiles: [file], configFile: '/dev/null', agentSocket: null })
  const error = await connectError(open(fromLab(first), never, limits), 'protocol')
  expect(error.message).toMatch(/no matching .* found/)
  expect(error.hint).toContain('ctfix_legacy_ssh: true')
  await using _connection = await open(fromLab(first, { legacySsh: true }), never, limits)
})
