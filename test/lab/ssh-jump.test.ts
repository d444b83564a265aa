/** Jump hosts, real ones: a way through two of them, one login each for all hosts behind, and made again when it breaks. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SshSettings } from '../../src/inventory/host.ts'
import { createConnect } from '../../src/transport/connect.ts'
import type { Connection } from '../../src/transport/connection.ts'
import { connectError, hostOf, never } from '../unit/transport/hosts.ts'
import { startNameServer } from './ssh/name-server.ts'
import { type Sshd, startSshd } from './ssh/sshd.ts'

let outer: Sshd
let inner: Sshd
let target: Sshd
let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-jump-'))
  // MaxSessions counts no forwarded connections; MaxStartups would, if each host logged in to the jump host anew.
  const bastion = { config: ['MaxSessions 1', 'MaxStartups 2:100:2'] }
  ;[outer, inner, target] = await Promise.all([
    startSshd(bastion),
    startSshd({ ...bastion, hostKeyType: 'ecdsa' }),
    startSshd({ config: ['MaxStartups 100'] }),
  ])
})
afterAll(async () => {
  await Promise.all([outer, inner, target].map(sshd => sshd?.[Symbol.asyncDispose]()))
  rmSync(directory, { recursive: true, force: true })
})

/** A configuration as people have it; `known` are the sshds whose keys are on file. */
function configOf(name: string, known: readonly Sshd[], more = ''): string {
  const knownHosts = join(directory, `${name}.known`)
  writeFileSync(knownHosts, known.map(sshd => `${sshd.knownHosts}\n`).join(''))
  const host = (alias: string, { address, port, keyFile }: Sshd, rest: string): string =>
    `Host ${alias}\n HostName ${address}\n Port ${port}\n User root\n IdentityFile ${keyFile}\n IdentitiesOnly yes\n${rest}`
  const file = join(directory, `${name}.config`)
  writeFileSync(
    file,
    [
      more,
      host('outer', outer, ''),
      host('inner', inner, ' ProxyJump outer\n'),
      host('web*', target, ' ProxyJump inner\n'),
      `Host *\n UserKnownHostsFile ${knownHosts}\n GlobalKnownHostsFile none\n`,
    ].join('\n'),
  )
  return file
}

/** The ids of the sshds that serve connections to this one, looked for from behind it. */
async function sessionsOf({ port }: Sshd, connection: Connection): Promise<number[]> {
  const { stdout } = await connection.exec(`ss -Htnp state established "( sport = :${port} )"`)
  const pids = [...new Set([...stdout.matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid)))]
  expect(pids.length).toBeGreaterThan(0)
  return pids
}

/** One of an earlier test may end just now. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const viaOuter: SshSettings = { said: [], options: [['proxyjump', 'outer']], configFile: null }

const logins = (sshd: Sshd): number => sshd.logged(/Accepted publickey/).length

test('thirty hosts behind two jump hosts: one login at each of the two, and the keys of all three checked', async () => {
  const before = [logins(outer), logins(inner)]
  const connect = createConnect({ sshConfig: configOf('two', [outer, inner, target]), agentSocket: null })
  const said = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      await using connection = await connect(hostOf({ name: `web-${i}`, address: `web-${i}` }), never)
      return (await connection.exec(`echo ${i}`)).stdout
    }),
  )
  expect(said).toEqual(Array.from({ length: 30 }, (_, i) => `${i}\n`))
  expect([logins(outer), logins(inner)]).toEqual(before.map(count => count + 1))
  expect(logins(target)).toBeGreaterThanOrEqual(30)
})

test('a jump host whose key is not known, or another one, is not passed', async () => {
  const unknown = createConnect({ sshConfig: configOf('unknown', [outer, target]), agentSocket: null })
  const error = await connectError(unknown(hostOf({ address: 'web-1' }), never), 'host-key')
  expect(error.message).toMatch(
    /^web-1: through inner: the host key of 127\.0\.0\.1:\d+ is not known \(ecdsa-sha2-nistp256 SHA256:/,
  )
  const other = { ...outer, knownHosts: `[127.0.0.1]:${outer.port} ${target.hostKey}` }
  const changed = createConnect({ sshConfig: configOf('changed', [other, inner, target]), agentSocket: null })
  const stop = await connectError(changed(hostOf({ address: 'web-1' }), never), 'host-key')
  expect(stop.message).toMatch(
    /^web-1: through inner: through outer: the host key .* is not the known one: .*changed\.known:1 has/,
  )
})

test('a jump host that breaks is logged in to again', async () => {
  const connect = createConnect({ sshConfig: configOf('again', [outer, inner, target]), agentSocket: null })
  const host = hostOf({ address: 'web-1' })
  await using first = await connect(host, never)
  const before = logins(outer)
  for (const pid of await sessionsOf(outer, first)) signal(pid, 'SIGKILL')
  await expect.poll(() => first.alive).toBe(false)
  await using second = await connect(host, never)
  expect((await second.exec('echo back')).stdout).toBe('back\n')
  expect(logins(outer)).toBe(before + 1)
})

test('what a jump host cannot reach, or will not forward, is said as its own', async () => {
  const shut = configOf('shut', [outer, inner], 'Host shut\n HostName 127.0.0.1\n Port 1\n ProxyJump outer\n')
  const connect = createConnect({ sshConfig: shut, agentSocket: null, connectTimeoutMs: 15_000 })
  const error = await connectError(connect(hostOf({ name: 'db-1', address: 'shut' }), never), 'refused')
  expect(error.message).toMatch(/^db-1: cannot connect to 127\.0\.0\.1:1: .*[Rr]efused/)
  await using closed = await startSshd({ config: ['AllowTcpForwarding no'] })
  const file = configOf(
    'closed',
    [closed],
    `Host gate\n HostName 127.0.0.1\n Port ${closed.port}\n IdentityFile ${closed.keyFile}\n`,
  )
  const denied = createConnect({ sshConfig: file, agentSocket: null, jump: 'root@gate' })
  const no = await connectError(denied(hostOf({ address: 'web-1' }), never), 'protocol')
  expect(no.message).toContain('the jump host gate does not forward')
  expect(no.hint).toContain('AllowTcpForwarding')
})

test('a jump host that is not there fails every host behind it in the time of one', async () => {
  const gone = configOf('gone', [outer], 'Host gone\n HostName 127.0.0.1\n Port 1\n')
  const connect = createConnect({ sshConfig: gone, agentSocket: null, jump: 'gone', connectTimeoutMs: 8_000 })
  const start = performance.now()
  const errors = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      connectError(connect(hostOf({ name: `n${i}`, address: `n${i}` }), never), 'refused'),
    ),
  )
  expect(errors[39]?.message).toContain('n39: through gone: cannot connect to 127.0.0.1:1: connection refused')
  expect(performance.now() - start).toBeLessThan(40_000)
})

test('a proxy command carries the connection, and its own words are the error', async () => {
  const way = `ssh -F ${configOf('base', [outer, inner, target])} -W %h:%p outer`
  const file = configOf(
    'command',
    [target],
    `Host web*\n ProxyCommand ${way}\nHost bad\n ProxyCommand echo no way >&2; exit 1\n`,
  )
  const connect = createConnect({ sshConfig: file, agentSocket: null, connectTimeoutMs: 15_000 })
  await using connection = await connect(hostOf({ address: 'web-7' }), never)
  expect((await connection.exec('echo through')).stdout).toBe('through\n')
  const error = await connectError(connect(hostOf({ address: 'bad' }), never), 'closed')
  expect(error.message).toContain('its ProxyCommand ended: no way')
})

test('a host behind it that never speaks ends by its time limit, and holds up nobody', async () => {
  const mute = createServer(socket => socket.on('error', () => {}))
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  const bound = mute.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  try {
    const hung = `Host hung*\n HostName 127.0.0.1\n Port ${port}\n ProxyJump outer\n`
    const connect = createConnect({ sshConfig: configOf('mute', [outer, inner, target], hung), agentSocket: null })
    const start = performance.now()
    const errors = Array.from({ length: 10 }, (_, i) =>
      connectError(connect(hostOf({ name: `h${i}`, address: `hung${i}`, connectTimeoutMs: 3_000 }), never), 'timeout'),
    )
    // Behind the same jump host, with more hung hosts before it than are let in at once.
    await using connection = await connect(hostOf({ address: 'web-1', ssh: viaOuter }), never)
    expect((await connection.exec('echo here')).stdout).toBe('here\n')
    for (const error of await Promise.all(errors)) expect(error.message).toContain('the SSH server does not speak')
    expect(performance.now() - start).toBeLessThan(25_000)
  } finally {
    mute.close()
  }
})

test('a jump host that freezes is noticed by the keepalives of ssh_config', async () => {
  const config = configOf('frozen', [outer, inner, target], 'Host *\n ServerAliveInterval 1\n ServerAliveCountMax 1\n')
  const connect = createConnect({ sshConfig: config, agentSocket: null })
  await using connection = await connect(hostOf({ address: 'web-1', ssh: viaOuter }), never)
  const pids = await sessionsOf(outer, connection)
  const waits = connectError(connection.exec('sleep 30'), 'lost')
  for (const pid of pids) signal(pid, 'SIGSTOP')
  try {
    expect((await waits).message).toContain('the connection was lost while a command ran')
  } finally {
    for (const pid of pids) signal(pid, 'SIGKILL')
  }
})

test('a jump host that freezes under hosts: who still has to get in gets in through another login there', async () => {
  // Longer than a whole fleet should wait: of a jump host it is asked every ten seconds at the least.
  const config = configOf('silent', [outer, inner, target], 'Host *\n ServerAliveInterval 60\n')
  const connect = createConnect({ sshConfig: config, agentSocket: null })
  const host = hostOf({ address: 'web-1', ssh: viaOuter })
  await using first = await connect(host, never)
  const pids = await sessionsOf(outer, first)
  const before = logins(outer)
  for (const pid of pids) signal(pid, 'SIGSTOP')
  try {
    const start = performance.now()
    const others = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        await using connection = await connect({ ...host, name: `n${i}` }, never)
        return (await connection.exec(`echo ${i}`)).stdout.trim()
      }),
    )
    expect(others).toEqual(Array.from({ length: 12 }, (_, i) => String(i)))
    expect(performance.now() - start).toBeLessThan(50_000)
    expect(logins(outer)).toBe(before + 1)
    // Those who are on it are not cut off: it may only be slow.
    for (const pid of pids) signal(pid, 'SIGCONT')
    expect((await first.exec('echo still here')).stdout).toBe('still here\n')
  } finally {
    for (const pid of pids) signal(pid, 'SIGKILL')
  }
}, 60_000)

test('a name that the jump host looks up for twelve seconds: asked for once, and reached', async () => {
  await using names = await startNameServer(12_000)
  await using slow = await startSshd({ resolvConf: names.resolvConf })
  const way = `Host slow\n HostName 127.0.0.1\n Port ${slow.port}\n User root\n IdentityFile ${slow.keyFile}\n`
  const behind = `Host far*\n HostName far.internal\n Port ${target.port}\n User root\n IdentityFile ${target.keyFile}\n ProxyJump slow\n HostKeyAlias target\n`
  const config = configOf('names', [slow], way + behind)
  appendFileSync(join(directory, 'names.known'), `target ${target.hostKey}\n`)
  const connect = createConnect({ sshConfig: config, agentSocket: null })
  const start = performance.now()
  await using connection = await connect(hostOf({ address: 'far' }), never)
  expect((await connection.exec('echo far')).stdout).toBe('far\n')
  expect(performance.now() - start).toBeGreaterThan(11_000)
  // For its address, and for its address of the other kind.
  expect(names.questions()).toBeLessThanOrEqual(2)
  const late = createConnect({ sshConfig: config, agentSocket: null, connectTimeoutMs: 4_000 })
  const error = await connectError(late(hostOf({ address: 'far-2' }), never), 'timeout')
  expect(error.message).toMatch(
    /^web-1: cannot connect to far\.internal:\d+: through slow: neither its name was looked up nor a TCP connection opened there within \d/,
  )
}, 60_000)
