/** Every way to log in, against a real sshd that takes only that way; and what is said where there is none. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConnectError, NotTriedError } from '../../src/errors.ts'
import { type Host, Secret } from '../../src/inventory/host.ts'
import { type ConnectOptions, createConnect } from '../../src/transport/connect.ts'
import { connectError, hostOf, never } from '../unit/transport/hosts.ts'
import { type Sshd, startSshd } from './ssh/sshd.ts'

const PASSWORD = 'tr0ub4dor & 3'
let directory: string
let shadow: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-login-'))
  const hash = execFileSync('openssl', ['passwd', '-6', PASSWORD], { encoding: 'utf8' }).trim()
  shadow = `root:${hash}:19000:0:99999:7:::`
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function connectTo(sshd: Sshd, more: Partial<ConnectOptions> = {}) {
  const file = join(directory, `known-${sshd.port}`)
  writeFileSync(file, `${sshd.knownHosts}\n`)
  return createConnect({ sshConfig: 'none', agentSocket: null, defaultKeyFiles: [], knownHostsFiles: [file], ...more })
}

const at = ({ port }: Sshd, overrides: Partial<Host> = {}): Host =>
  hostOf({ port, ssh: { said: ['port', 'user'], options: [], configFile: null }, ...overrides })

const ONLY_PASSWORD = [
  'PubkeyAuthentication no',
  'KbdInteractiveAuthentication no',
  'UsePAM no',
  'PasswordAuthentication yes',
]
const ONLY_QUESTIONS = [
  'PubkeyAuthentication no',
  'KbdInteractiveAuthentication yes',
  'UsePAM yes',
  'PasswordAuthentication no',
]

test.each([
  ['a password', ONLY_PASSWORD],
  ['keyboard-interactive through PAM', ONLY_QUESTIONS],
])('%s', async (_, config) => {
  await using sshd = await startSshd({ config, shadow })
  await using connection = await connectTo(sshd)(at(sshd, { password: new Secret(PASSWORD) }), never)
  expect((await connection.exec('echo in')).stdout).toBe('in\n')
})

test.each([
  ['a password', ONLY_PASSWORD, /Failed password/],
  ['keyboard-interactive', ONLY_QUESTIONS, /Failed keyboard-interactive/],
])('a wrong one, by %s: tried once on one of twelve hosts, and then nowhere', async (_, config, failed) => {
  await using sshd = await startSshd({ config, shadow })
  const connect = connectTo(sshd)
  const password = new Secret('guess')
  const errors = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      connect(at(sshd, { name: `n${i}`, password }), never).then(
        () => null,
        (error: unknown) => error,
      ),
    ),
  )
  expect(sshd.logged(failed)).toHaveLength(1)
  const others = errors.filter(error => error instanceof NotTriedError)
  expect(others).toHaveLength(11)
  expect(String(others[0])).toMatch(/n\d+: not tried, for n\d+ refused the password/)
  await expect(connect(at(sshd, { name: 'later', password }), never)).rejects.toBeInstanceOf(NotTriedError)
  expect(sshd.logged(failed)).toHaveLength(1)
})

test('one that is never answered: given to two of twelve hosts, to each once', async () => {
  const given = join(directory, 'given')
  const hangs = join(directory, 'hangs')
  // A directory that is down: whether it has counted the password nobody knows.
  writeFileSync(hangs, `#!/bin/sh\ntr -d '\\0' >>${given}; echo >>${given}; exec sleep 15\n`, { mode: 0o755 })
  const pam = `auth optional pam_exec.so quiet expose_authtok ${hangs}`
  await using sshd = await startSshd({ config: ONLY_QUESTIONS, shadow, pam })
  const connect = connectTo(sshd, { connectTimeoutMs: 3_000 })
  const password = new Secret(PASSWORD)
  const errors = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      connectError(connect(at(sshd, { name: `n${i}`, password }), never), 'auth').catch(String),
    ),
  )
  expect(readFileSync(given, 'utf8')).toBe(`${PASSWORD}\n`.repeat(2))
  const asked = errors.filter(error => error instanceof ConnectError)
  expect(asked.map(({ message }) => message.replace(/n\d+/, 'n'))).toEqual(
    Array(2).fill(
      expect.stringMatching(/^n: cannot connect to .*the login does not end; it never answered the password$/),
    ),
  )
  const others = errors.filter(error => typeof error === 'string')
  expect(others).toHaveLength(10)
  for (const said of others) expect(said).toMatch(/n\d+: not tried, for n\d+ and n\d+ never answered the password/)
})

test.each(['publickey,password', 'password,publickey'])('two factors: %s', async both => {
  const config = ['UsePAM no', 'PasswordAuthentication yes', `AuthenticationMethods ${both}`]
  await using sshd = await startSshd({ config, shadow })
  const host = at(sshd, { password: new Secret(PASSWORD), privateKeyFile: sshd.keyFile })
  await using connection = await connectTo(sshd)(host, never)
  expect((await connection.exec('echo in')).stdout).toBe('in\n')
  const error = await connectError(connectTo(sshd)(at(sshd, { privateKeyFile: sshd.keyFile }), never), 'auth')
  expect(error.message).toContain('the server takes password')
})

test('keys of every form a file can have', async () => {
  await using sshd = await startSshd()
  const file = (name: string): string => join(directory, name)
  const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args])
  keygen('-t', 'ed25519', '-N', 'secret', '-f', file('encrypted'))
  keygen('-t', 'rsa', '-b', '2048', '-N', '', '-m', 'PEM', '-f', file('pem'))
  keygen('-t', 'ecdsa', '-N', 'secret', '-m', 'PKCS8', '-f', file('pkcs8'))
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', file('openssl')], { stdio: 'ignore' })
  execFileSync('chmod', ['600', file('openssl')])
  writeFileSync(
    file('openssl.pub'),
    `${execFileSync('openssl', ['pkey', '-in', file('openssl'), '-pubout', '-outform', 'DER'])
      .subarray(-32)
      .toString('base64')}\n`,
  )
  const raw = Buffer.from(execFileSync('cat', [file('openssl.pub')], { encoding: 'utf8' }), 'base64')
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), raw])
  writeFileSync(file('openssl.pub'), `ssh-ed25519 ${blob.toString('base64')}\n`)
  const names = ['encrypted', 'pem', 'pkcs8', 'openssl']
  const publics = names.map(name => execFileSync('cat', [file(`${name}.pub`)], { encoding: 'utf8' }))
  writeFileSync(join(sshd.directory, 'authorized'), publics.join(''))
  const asked: string[] = []
  const askPassphrase = (path: string) => {
    asked.push(path)
    return Promise.resolve('secret')
  }
  const connect = connectTo(sshd, { askPassphrase })
  for (const name of [...names, ...names]) {
    await using connection = await connect(at(sshd, { privateKeyFile: file(name) }), never)
    expect((await connection.exec(`echo ${name}`)).stdout).toBe(`${name}\n`)
  }
  expect(asked).toEqual([file('encrypted'), file('pkcs8')])
})

test('an agent with many keys: IdentitiesOnly tries the named one alone', async () => {
  await using sshd = await startSshd({ config: ['MaxAuthTries 2'] })
  const socket = join(directory, 'agent')
  const said = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' })
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1])
  try {
    const env = { ...process.env, SSH_AUTH_SOCK: socket }
    for (let i = 0; i < 6; i++) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, `other${i}`)])
      execFileSync('ssh-add', ['-q', join(directory, `other${i}`)], { env })
    }
    execFileSync('ssh-add', ['-q', sshd.keyFile], { env })
    // The private half is the agent's alone.
    const named = join(directory, 'named')
    copyFileSync(`${sshd.keyFile}.pub`, `${named}.pub`)
    execFileSync('ssh-keygen', ['-q', '-p', '-N', 'long', '-P', '', '-f', sshd.keyFile])
    copyFileSync(sshd.keyFile, named)
    const config = join(directory, 'only')
    writeFileSync(config, `IdentityFile ${named}\nIdentitiesOnly yes\n`)
    const asked: string[] = []
    const askPassphrase = (path: string) => {
      asked.push(path)
      return Promise.resolve(null)
    }
    const connect = connectTo(sshd, { agentSocket: socket, sshConfig: config, askPassphrase })
    await using connection = await connect(at(sshd), never)
    expect((await connection.exec('echo in')).stdout).toBe('in\n')
    expect(asked).toEqual([])
    const many = await connectError(connectTo(sshd, { agentSocket: socket })(at(sshd), never), 'auth')
    expect(many.message).toContain('Too many authentication failures')
  } finally {
    process.kill(pid)
  }
})

test('an agent that never answers, as a forwarded one whose other end is gone: the passphrase is asked for', async () => {
  await using sshd = await startSshd()
  execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-P', '', '-f', sshd.keyFile])
  const socket = join(directory, 'mute')
  const mute = createServer(guest => guest.on('error', () => {})).listen(socket)
  try {
    const connect = connectTo(sshd, { agentSocket: socket, askPassphrase: () => Promise.resolve('secret') })
    await using connection = await connect(at(sshd, { privateKeyFile: sshd.keyFile }), never)
    expect((await connection.exec('echo in')).stdout).toBe('in\n')
  } finally {
    mute.close()
  }
})

test('what only the system’s ssh can do is named: a certificate, Kerberos', async () => {
  const file = (name: string): string => join(directory, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('ca')])
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('id')])
  execFileSync('ssh-keygen', ['-q', '-s', file('ca'), '-I', 'me', '-n', 'root', file('id.pub')])
  await using trusting = await startSshd({ config: [`TrustedUserCAKeys ${file('ca.pub')}`] })
  const host = at(trusting, { privateKeyFile: file('id') })
  const certificate = await connectError(connectTo(trusting)(host, never), 'auth')
  expect(certificate.message).toContain(`the certificate ${file('id-cert.pub')} was not shown`)
  expect(certificate.hint).toContain('--transport openssh')
  const config = [
    'PubkeyAuthentication no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'GSSAPIAuthentication yes',
  ]
  await using kerberos = await startSshd({ config })
  const ticket = await connectError(
    connectTo(kerberos)(at(kerberos, { privateKeyFile: kerberos.keyFile }), never),
    'auth',
  )
  expect(ticket.message).toMatch(/the server takes only (gssapi-keyex, )?gssapi-with-mic, which ctfix cannot do/)
  expect(ticket.hint).toContain('--transport openssh')
})
