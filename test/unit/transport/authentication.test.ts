/** Keys, passphrases, agents and passwords: which are tried, and how often. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { Secret } from '../../../src/inventory/host.ts'
import { inTurn, methodsOf } from '../../../src/transport/authentication.ts'
import { createKeyring, type Loaded } from '../../../src/transport/keyring.ts'
import { createSsh2Connect, type Ssh2Options } from '../../../src/transport/ssh2.ts'
import { makePair } from '../../lab/simulated/keys.ts'
import { startSimulated } from '../../lab/simulated.ts'
import { connectError, fromLab, knownHostsOf, never, temporary } from './hosts.ts'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined
const hasAgent = hasKeygen && spawnSync('ssh-agent', ['-k']).error === undefined

async function labWith(options: Parameters<typeof startSimulated>[1], ssh: Partial<Ssh2Options> = {}) {
  const lab = await startSimulated(1, options)
  const [first] = lab.hosts()
  if (!first) throw new Error('no host')
  const connect = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict', ...ssh })
  return { lab, connect, host: fromLab(first), logins: () => lab.host('sim-1').counts.logins }
}

function readKey(text: string, passphrase: string | null): { blob: Buffer } | Error {
  const key = passphrase === null ? ssh2.utils.parseKey(text) : ssh2.utils.parseKey(text, passphrase)
  return key instanceof Error ? key : { blob: key.getPublicSSH() }
}

function keyringOf(askPassphrase?: (file: string) => Promise<string | null>) {
  return createKeyring({ parse: readKey, publicBlob: key => key.blob, askPassphrase })
}

function keygen(...args: string[]): void {
  execFileSync('ssh-keygen', ['-q', ...args], { stdio: 'ignore' })
}

function problemOf(loaded: Loaded<unknown>): string {
  if (!('problem' in loaded)) throw new Error('it was loaded')
  return `${loaded.problem} | ${loaded.hint}`
}

test('password', async () => {
  const { lab, connect, host, logins } = await labWith({ password: 'right' })
  await using _lab = lab
  await using _connection = await connect(host, never)
  expect(logins()).toBe(1)
})

test('a wrong password is sent once, and its text is nowhere', async () => {
  const { lab, connect, host, logins } = await labWith({ password: 'right' })
  await using _lab = lab
  const error = await connectError(connect({ ...host, password: new Secret('wr0ng') }, never), 'auth')
  expect(logins()).toBe(1)
  expect(JSON.stringify(error) + error.message + error.hint).not.toContain('wr0ng')
})

test('a password asked for by keyboard-interactive', async () => {
  const { lab, connect, host } = await labWith({ password: 'right', asksByKeyboard: true })
  await using _lab = lab
  await using _connection = await connect(host, never)
  const wrong = { ...host, password: new Secret('wrong') }
  const error = await connectError(connect(wrong, never), 'auth')
  expect(error.message).toContain('tried password, keyboard-interactive')
})

test('a login broken off while a password is checked is not tried again', async () => {
  const { lab, connect, host } = await labWith({ password: 'right' })
  await using _lab = lab
  await lab.host('sim-1').failConnect('hang-up-in-login')
  const error = await connectError(connect(host, never), 'auth')
  expect(error.retryable).toBe(false)
})

test('methods the server does not take are passed over', () => {
  const tried: string[] = []
  const methods = methodsOf('u', { keys: ['k1', 'k2'], password: 'p' }, 'agent')
  const next = inTurn(methods, type => tried.push(type))
  expect(next(null)).toMatchObject({ type: 'publickey', key: 'k1' })
  expect(next(['publickey', 'keyboard-interactive'])).toMatchObject({ type: 'publickey', key: 'k2' })
  // The first factor was enough of keys: the server wants something else now.
  expect(next(['keyboard-interactive'])).toMatchObject({ type: 'keyboard-interactive' })
  expect(next(['keyboard-interactive'])).toBe(false)
  expect(tried).toEqual(['publickey', 'publickey', 'keyboard-interactive'])
})

test('default key files: those that exist, and no word of the others', async () => {
  using directory = temporary()
  const { lab, connect, host } = await labWith({})
  await using _lab = lab
  const other = join(directory.path, 'id_other')
  writeFileSync(other, makePair().privateText)
  await connectError(connect({ ...host, privateKeyFile: null }, never), 'auth')
  const files = [join(directory.path, 'none'), other, host.privateKeyFile ?? '']
  const open = createSsh2Connect({
    knownHosts: await knownHostsOf(lab.hosts()),
    policy: 'strict',
    defaultKeyFiles: files,
  })
  await using _connection = await open({ ...host, privateKeyFile: null }, never)
})

test.runIf(hasKeygen)('an encrypted key: asked for once, however many hosts want it', async () => {
  using directory = temporary()
  const file = join(directory.path, 'key')
  keygen('-t', 'ed25519', '-N', 'secret', '-f', file)
  let asked = 0
  const keyring = keyringOf(() => {
    asked += 1
    return Promise.resolve('secret')
  })
  const loaded = await Promise.all(Array.from({ length: 20 }, () => keyring(file)))
  expect(loaded.every(entry => 'key' in entry)).toBe(true)
  expect(asked).toBe(1)
})

test.runIf(hasKeygen).each([['ed25519'], ['rsa', '-m', 'PEM']])(
  'an encrypted %s key without its passphrase',
  async (...type) => {
    using directory = temporary()
    const file = join(directory.path, 'key')
    keygen('-t', ...type, '-N', 'secret', '-f', file)
    const loaded = await keyringOf()(file)
    expect(problemOf(loaded)).toBe(`the key ${file} needs a passphrase | ssh-add ${file}`)
    const blob = Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '', 'base64')
    expect('publicBlob' in loaded && loaded.publicBlob?.equals(blob)).toBe(true)
    const wrong = await keyringOf(() => Promise.resolve('wrong'))(file)
    expect(problemOf(wrong)).toContain('the passphrase does not open')
  },
)

test.runIf(hasKeygen).each(['rsa', 'ecdsa'])('a PKCS#8 %s key is converted', async type => {
  using directory = temporary()
  const file = join(directory.path, 'key')
  keygen('-t', type, '-N', '', '-m', 'PKCS8', '-f', file)
  expect(readFileSync(file, 'utf8')).toContain('BEGIN PRIVATE KEY')
  const loaded = await keyringOf()(file)
  const blob = Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '', 'base64')
  expect('key' in loaded && loaded.publicBlob.equals(blob)).toBe(true)
})

test('something that is no key', async () => {
  using directory = temporary()
  const file = join(directory.path, 'key')
  writeFileSync(file, 'nothing')
  expect(problemOf(await keyringOf()(file))).toContain('in a form ctfix does not read')
  expect(await keyringOf()(`${file}-none`)).toEqual({ missing: true })
})

async function withAgent(directory: string, keys: string[], body: (socket: string) => Promise<void>): Promise<void> {
  const socket = join(directory, 'agent')
  const agent: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  try {
    for (let i = 0; i < 50 && spawnSync('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK: socket } }).status === 2; i++) {
      await delay(20)
    }
    for (const key of keys) execFileSync('ssh-add', ['-q', key], { env: { SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
    await body(socket)
  } finally {
    agent.kill()
  }
}

test.runIf(hasAgent)('an agent: its key lets us in; with a key file named, only that key of it is tried', async () => {
  using directory = temporary()
  const { lab, host, logins } = await labWith({})
  await using _lab = lab
  const userKey = host.privateKeyFile ?? ''
  const others = ['one', 'two'].map(name => join(directory.path, name))
  for (const file of others) keygen('-t', 'ed25519', '-N', '', '-f', file)
  await withAgent(directory.path, [...others, userKey], async agentSocket => {
    const knownHosts = await knownHostsOf(lab.hosts())
    const connect = createSsh2Connect({ knownHosts, policy: 'strict', agentSocket })
    await using _connection = await connect({ ...host, privateKeyFile: null }, never)
    // Two questions about keys that will not do, one that will, one signature.
    expect(logins()).toBe(4)
    const locked = join(directory.path, 'locked')
    writeFileSync(locked, readFileSync(userKey), { mode: 0o600 })
    keygen('-p', '-N', 'secret', '-f', locked)
    await using _second = await connect({ ...host, privateKeyFile: locked }, never)
    expect(logins()).toBe(6)
  })
})

test.runIf(hasKeygen)('a locked key and an agent that is not there: the error says what to do', async () => {
  using directory = temporary()
  const agentSocket = join(directory.path, 'nobody')
  const { lab, connect, host, logins } = await labWith({}, { agentSocket })
  await using _lab = lab
  const locked = join(directory.path, 'locked')
  keygen('-t', 'ed25519', '-N', 'secret', '-f', locked)
  const error = await connectError(connect({ ...host, privateKeyFile: locked }, never), 'auth')
  expect(error.message).toContain(`the key ${locked} needs a passphrase`)
  expect(error.hint).toBe(`ssh-add ${locked}`)
  expect(logins()).toBe(0)
})
