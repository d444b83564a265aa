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
import { PasswordGate } from '../../../src/transport/password-gate.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import type { LoginSettings } from '../../../src/transport/ssh2-options.ts'
import { makePair } from '../../lab/simulated/keys.ts'
import { startSimulated } from '../../lab/simulated.ts'
import { connectError, fromLab, knownHostsOf, never, temporary } from './hosts.ts'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined
const hasAgent = hasKeygen && spawnSync('ssh-agent', ['-k']).error === undefined

async function labWith(options: Parameters<typeof startSimulated>[1], ssh: Partial<LoginSettings> = {}) {
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

test('a code is asked for: the password is not given, and another host may still be', async () => {
  const gate = new PasswordGate()
  const { lab, connect, host } = await labWith({ password: 'right', asksByKeyboard: 'Verification code: ' }, { gate })
  await using _lab = lab
  const error = await connectError(connect(host, never), 'auth')
  expect(error.message).toMatch(/the server asks for more than a password: Verification code:$/)
  await expect(gate.enter(JSON.stringify([host.user, 'right']), 'other')).resolves.toBeDefined()
})

test('a server that hangs up while we wait for our turn has seen no password', async () => {
  const gate = new PasswordGate()
  const { lab, connect, host } = await labWith({ password: 'right' }, { gate })
  await gate.enter(JSON.stringify([host.user, 'right']), 'other')
  const connecting = connectError(connect({ ...host, privateKeyFile: null }, never), 'closed')
  await delay(300)
  await lab[Symbol.asyncDispose]()
  await connecting
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

test('a second factor: keys refused at first are tried again, and a password answers no other question', () => {
  const methods = methodsOf('u', { keys: ['k1'], password: 'p' }, null)
  const keyLast = inTurn(methods, () => {})
  expect(keyLast(null)).toMatchObject({ key: 'k1' })
  expect(keyLast(['password'])).toMatchObject({ type: 'password' })
  expect(keyLast(['publickey'], true)).toMatchObject({ key: 'k1' })
  expect(keyLast(['publickey'])).toBe(false)
  const code = inTurn(methods, () => {})
  code(null)
  code(['password'])
  expect(code(['keyboard-interactive'], true)).toBe(false)
})

test('in the order that was asked for; a wrong password goes no second way, whichever is first', () => {
  const methods = methodsOf('u', { keys: ['k'], password: 'p' }, null, { order: ['keyboard-interactive', 'password'] })
  expect(methods.map(({ type }) => type)).toEqual(['keyboard-interactive', 'password'])
  const next = inTurn(methods, () => {})
  expect(next(null)).toMatchObject({ type: 'keyboard-interactive' })
  expect(next(['keyboard-interactive', 'password'])).toBe(false)
  const other = inTurn(methods, () => {})
  other(null)
  // It does not take that way at all: nothing was tried.
  expect(other(['password'])).toMatchObject({ type: 'password' })
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

test.runIf(hasKeygen)(
  'passphrases: one question at a time, none for what the agent holds, none where it may have another',
  async () => {
    using directory = temporary()
    const [one, two] = ['one', 'two'].map(name => join(directory.path, name))
    if (!one || !two) throw new Error('no files')
    for (const file of [one, two]) keygen('-t', 'ed25519', '-N', 'secret', '-f', file)
    let open = 0
    const asked: string[] = []
    const askPassphrase = async (file: string): Promise<string> => {
      open += 1
      asked.push(file)
      expect(open).toBe(1)
      await delay(5)
      open -= 1
      return 'secret'
    }
    const options = { parse: readKey, publicBlob: (key: { blob: Buffer }) => key.blob, askPassphrase }
    const both = createKeyring(options)
    const loaded = await Promise.all([both(one), both(two), both(one)])
    expect(loaded.every(entry => 'key' in entry)).toBe(true)
    // Both files are read at once: whichever comes first is asked for first.
    expect(asked.toSorted()).toEqual([one, two])
    const [first] = loaded
    const blob = first && 'key' in first ? first.publicBlob : Buffer.alloc(0)
    const withAgent = createKeyring({ ...options, agentKeys: () => Promise.resolve([blob]) })
    expect(problemOf(await withAgent(one))).toContain('needs a passphrase')
    expect(problemOf(await withAgent(two, { mayAsk: false }))).toContain('needs a passphrase')
    expect(asked).toHaveLength(2)
    const emptyAgent = createKeyring({ ...options, agentKeys: () => Promise.resolve([]) })
    expect('key' in (await emptyAgent(two, { mayAsk: false }))).toBe(true)
  },
)

test.runIf(hasAgent)(
  'a public key names one of the agent’s: as the file itself, or beside one that is gone',
  async () => {
    using directory = temporary()
    const { lab, host, logins } = await labWith({})
    await using _lab = lab
    const userKey = host.privateKeyFile ?? ''
    const other = join(directory.path, 'other')
    keygen('-t', 'ed25519', '-N', '', '-f', other)
    const gone = join(directory.path, 'gone')
    writeFileSync(`${gone}.pub`, execFileSync('ssh-keygen', ['-y', '-f', userKey]))
    await withAgent(directory.path, [other, userKey], async agentSocket => {
      const connect = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict', agentSocket })
      for (const file of [gone, `${gone}.pub`]) {
        const before = logins()
        await using _connection = await connect({ ...host, privateKeyFile: file }, never)
        // One question about the key, one signature.
        expect(logins() - before).toBe(2)
      }
    })
    expect(problemOf(await keyringOf()(`${gone}.pub`))).toContain(`only the public half here | ssh-add ${gone}`)
  },
)

test.runIf(hasKeygen)('a key once opened is open for all; each host’s own agent is asked', async () => {
  using directory = temporary()
  const file = join(directory.path, 'key')
  keygen('-t', 'ed25519', '-N', 'secret', '-f', file)
  const blob = Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '', 'base64')
  let asked = 0
  const sockets: (string | undefined)[] = []
  const keyring = createKeyring({
    parse: readKey,
    publicBlob: key => key.blob,
    askPassphrase: () => {
      asked += 1
      return Promise.resolve('secret')
    },
    agentKeys: socket => {
      sockets.push(socket)
      return Promise.resolve(socket === '/has-it' ? [blob] : [])
    },
  })
  expect('problem' in (await keyring(file, { agentSocket: '/has-it' }))).toBe(true)
  const loaded = await Promise.all([
    keyring(file, { agentSocket: '/empty' }),
    keyring(file, { agentSocket: '/empty', mayAsk: false }),
    keyring(file, { agentSocket: '/has-it' }),
  ])
  expect(loaded.every(entry => 'key' in entry)).toBe(true)
  expect([asked, sockets]).toEqual([1, ['/has-it', '/empty']])
})

test.runIf(hasKeygen)('a certificate beside a key is found', async () => {
  using directory = temporary()
  const file = join(directory.path, 'key')
  keygen('-t', 'ed25519', '-N', '', '-f', file)
  expect(await keyringOf()(file)).toMatchObject({ certificate: null })
  keygen('-s', file, '-I', 'me', `${file}.pub`)
  expect(await keyringOf()(file)).toMatchObject({ certificate: `${file}-cert.pub` })
})
