/** Host keys with real servers: written as ssh writes them, found by ssh again, and a stop when they change. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createConnect } from '../../src/transport/connect.ts'
import { connectError, hostOf, never } from '../unit/transport/hosts.ts'
import { type Sshd, startSshd } from './ssh/sshd.ts'

let directory: string
let first: Sshd
let second: Sshd

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-known-'))
  ;[first, second] = await Promise.all([startSshd(), startSshd({ hostKeyType: 'ecdsa' })])
})
afterAll(async () => {
  await Promise.all([first, second].map(sshd => sshd?.[Symbol.asyncDispose]()))
  rmSync(directory, { recursive: true, force: true })
})

/** A configuration that hashes, and where it writes to. */
function configured(name: string, more = ''): { readonly config: string; readonly known: string } {
  const [config, known] = [join(directory, `${name}.config`), join(directory, name, 'known_hosts')]
  writeFileSync(
    config,
    `${more}Host *\n HashKnownHosts yes\n UserKnownHostsFile ${known}\n GlobalKnownHostsFile none\n`,
  )
  return { config, known }
}

const at = ({ port, keyFile }: Sshd, address = '127.0.0.1') =>
  hostOf({ address, port, privateKeyFile: keyFile, ssh: { said: ['port', 'user'], options: [], configFile: null } })

test('a new key is written hashed; ssh itself goes by it, and so do we', async () => {
  const { config, known } = configured('hashed')
  const options = { sshConfig: config, agentSocket: null }
  for (const sshd of [first, second]) {
    await using _in = await createConnect({ ...options, hostKeyPolicy: 'accept-new' })(at(sshd), never)
  }
  const text = readFileSync(known, 'utf8')
  expect(text).toMatch(/^(\|1\|\S{28}\|\S{28} \S+ \S+\n){2}$/)
  expect(execFileSync('ssh-keygen', ['-F', `[127.0.0.1]:${first.port}`, '-f', known], { encoding: 'utf8' })).toContain(
    first.hostKey,
  )
  const ssh = (sshd: Sshd) =>
    spawnSync(
      'ssh',
      [
        '-F',
        config,
        '-o',
        'BatchMode=yes',
        '-o',
        'StrictHostKeyChecking=yes',
        '-i',
        sshd.keyFile,
        '-p',
        `${sshd.port}`,
        'root@127.0.0.1',
        'echo known',
      ],
      { encoding: 'utf8' },
    )
  expect([ssh(first).stdout, ssh(second).stdout]).toEqual(['known\n', 'known\n'])
  const strict = createConnect({ ...options, hostKeyPolicy: 'strict' })
  await using _known = await strict(at(second), never)
  expect(readFileSync(known, 'utf8')).toBe(text)
})

test('eight runs at once, each new to the host: one line is written, none is torn', async () => {
  const { config, known } = configured('many')
  const runs = Array.from({ length: 8 }, () =>
    createConnect({ sshConfig: config, agentSocket: null, hostKeyPolicy: 'accept-new' })(at(first), never),
  )
  for (const connection of await Promise.all(runs)) await connection[Symbol.asyncDispose]()
  const lines = readFileSync(known, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(1)
  expect(spawnSync('ls', [join(directory, 'many')], { encoding: 'utf8' }).stdout).toBe('known_hosts\n')
})

test('what another run wrote since is believed, not overwritten', async () => {
  const { config, known } = configured('since')
  const connect = createConnect({ sshConfig: config, agentSocket: null, hostKeyPolicy: 'accept-new' })
  // Read by this run before anything was in it.
  await using _first = await connect(at(first), never)
  writeFileSync(known, `${readFileSync(known, 'utf8')}[127.0.0.1]:${second.port} ${first.hostKey}\n`)
  const error = await connectError(connect(at(second), never), 'host-key')
  expect(error.message).toContain(`${known}:2 has ssh-ed25519 SHA256:`)
  expect(readFileSync(known, 'utf8').trimEnd().split('\n')).toHaveLength(2)
})

test('a changed key stops, with both fingerprints and the line, also under accept-new', async () => {
  const { config, known } = configured('changed')
  const options = { sshConfig: config, agentSocket: null, hostKeyPolicy: 'accept-new' } as const
  await using _first = await createConnect(options)(at(first), never)
  writeFileSync(known, `# moved\n[127.0.0.1]:${first.port} ${second.hostKey}\n`)
  const before = first.logged(/Accepted/).length
  const error = await connectError(createConnect(options)(at(first), never), 'host-key')
  expect(error.message).toMatch(
    /is not the known one: it shows ssh-ed25519 SHA256:\S{43}, \S+known_hosts:2 has ecdsa-sha2-nistp256 SHA256:\S{43}$/,
  )
  expect(error.retryable).toBe(false)
  expect(first.logged(/Accepted/)).toHaveLength(before)
})

test('HostKeyAlias is the name, without a port', async () => {
  const { config, known } = configured('alias', `Host 127.0.0.1\n HostKeyAlias Cluster\n HashKnownHosts no\n`)
  const options = { sshConfig: config, agentSocket: null, hostKeyPolicy: 'accept-new' } as const
  await using _in = await createConnect(options)(at(first), never)
  expect(readFileSync(known, 'utf8')).toBe(`cluster ${first.hostKey}\n`)
  const error = await connectError(createConnect(options)(at(second), never), 'host-key')
  expect(error.message).toContain('127.0.0.1 (cluster)')
})
