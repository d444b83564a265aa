/** Root through sudo: on simulated hosts for the words, in a real shell for what arrives. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CommandError, ConfigError, NotTriedError } from '../../../src/errors.ts'
import { type Become, Secret } from '../../../src/inventory/host.ts'
import { asUser, checkBecome } from '../../../src/transport/become.ts'
import { askToBeLetIn } from '../../../src/transport/become-talk.ts'
import { assemble, type TransportEvent } from '../../../src/transport/connect.ts'
import type { Connect, Connection } from '../../../src/transport/connection.ts'
import { connectLocal } from '../../../src/transport/local.ts'
import { PasswordGate } from '../../../src/transport/password-gate.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { type SimulatedLab, startSimulated } from '../../lab/simulated.ts'
import { fromLab, hostOf, knownHostsOf, never, temporary } from './hosts.ts'

let lab: SimulatedLab
let connect: Connect
const events: TransportEvent[] = []
const sim = () => lab.host('sim-1')
const host = () => {
  const [first] = lab.hosts()
  if (!first) throw new Error('no host')
  return fromLab(first)
}
const sudo = { method: 'sudo', user: 'root', exe: null, password: null } as const

beforeAll(async () => {
  lab = await startSimulated(1, {
    user: 'ops',
    answer: ({ command, user }) => ({ stdout: `${user}: ${command}`, stderr: 'own\n', exitCode: 5 }),
  })
  const ssh = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict' })
  connect = assemble(ssh, { observe: event => events.push(event) })
})
afterEach(() => sim().heal())
afterAll(() => lab[Symbol.asyncDispose]())

test('runs as root, keeps the exit code, and shows neither marker nor sudo’s own warnings', async () => {
  await using connection = await connect(host(), never)
  const result = await connection.exec('/bin/sh -s -- a', { stdin: 'true' })
  expect(result).toEqual({ exitCode: 5, stdout: 'root: /bin/sh -s -- a', stderr: 'own\n' })
  expect(events.map(({ type }) => type)).toEqual(['attempt', 'handshake', 'exec'])
})

test.each([
  ['sudo-refused', /^sim-1: sudo does not let ops become root without a password: sudo: Ein Passwort ist notwendig$/],
  ['no-sudo', /^sim-1: sudo cannot be run: sudo: not found$/],
] as const)('%s is an error with words', async (kind, message) => {
  await using connection = await connect(host(), never)
  sim().failExec({ kind })
  const error = await connection.exec('/bin/sh -s').catch((thrown: unknown) => thrown)
  if (!(error instanceof CommandError)) throw error
  expect(error.message).toMatch(message)
  expect(error.hint).toBeTruthy()
})

test('the words of a command are expanded by the login shell and not quoted again', async () => {
  using directory = temporary()
  const fake = join(directory.path, 'my sudo')
  // Like sudo: options, --, a command; and the environment of the session is gone.
  writeFileSync(fake, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\nunset SSH_CONNECTION\nexec "$@"\n')
  chmodSync(fake, 0o755)
  const local = hostOf({ connection: 'local', become: { ...sudo, user: 'someone-else', exe: fake } })
  process.env.SSH_CONNECTION = '10.0.0.9 50000 10.0.0.1 22'
  try {
    await using connection = asUser(await connectLocal(local, never))
    const script = 'printf "<%s>" "$#" "$@" "gone:$SSH_CONNECTION"; echo e >&2; exit 9\n'
    const result = await connection.exec(`/bin/sh -s -- "$SSH_CONNECTION" 'a b' "\\$x"`, { stdin: script })
    expect(result).toEqual({ exitCode: 9, stdout: '<3><10.0.0.9 50000 10.0.0.1 22><a b><$x><gone:>', stderr: 'e\n' })
  } finally {
    delete process.env.SSH_CONNECTION
  }
})

test('no become, or the same user: nothing is wrapped', async () => {
  for (const plain of [hostOf(), hostOf({ become: sudo })]) {
    const connection = await connectLocal({ ...plain, connection: 'ssh' }, never)
    expect(asUser(connection)).toBe(connection)
  }
})

test('the system’s ssh may log in as somebody else where nobody said as whom', async () => {
  const own = userInfo().username
  const unsaid = hostOf({ transport: 'openssh', user: own, become: { ...sudo, user: own } })
  const said = { ...unsaid, ssh: { said: ['user' as const], options: [], configFile: null } }
  const connection = await connectLocal({ ...unsaid, connection: 'local' }, never)
  const [unsaidOne, saidOne] = [unsaid, said].map(host => ({ ...connection, host, alive: true }) as Connection)
  if (!unsaidOne || !saidOne) throw new Error('no connections')
  expect(asUser(unsaidOne)).not.toBe(unsaidOne)
  expect(asUser(saidOne)).toBe(saidOne)
})

test('what cannot be done is said before anything is connected to', async () => {
  const local = { user: 'ops', connection: 'local' } as const
  const doas = { ...sudo, method: 'doas', user: 'someone-else', password: new Secret('x') } as const
  expect(() => checkBecome(hostOf({ ...local, become: doas }))).toThrow(
    'inventory.yaml:1: web-1: doas takes a password on a terminal only, and a local connection has none',
  )
  const lines = hostOf({ user: 'ops', become: { ...sudo, password: new Secret('two\nlines') } })
  expect(() => checkBecome(lines)).toThrow(ConfigError)
  await expect(connect(lines, never)).rejects.toThrow('a password with a line break in it cannot be given to sudo')
})

/** A tool of this machine that takes its password as sudo -S does, from a place of its own. */
function fakeSudo(directory: string, password: string, ask: string): string {
  const fake = join(directory, 'fake sudo')
  const script = `#!/bin/sh
while [ "$1" != -- ]; do [ "$1" = -p ] && prompt=$2; shift; done; shift
${ask}
ask() { printf '%s' "$prompt" >&2; IFS= read -r given || exit 1; [ "$given" = '${password.replaceAll("'", "'\\''")}' ]; }
printf 'lecture: password: \n' >&2
ask || { echo 'Falsch, nochmal' >&2; ask; } || exit 1
exec "$@"
`
  writeFileSync(fake, script)
  chmodSync(fake, 0o755)
  return fake
}

test('the password goes to the prompt, and the program after it, to the byte', async () => {
  using directory = temporary()
  const password = `a 'b' "c" $d \\e \`f\` ü☃`
  const exe = fakeSudo(directory.path, password, ':')
  const host = hostOf({
    connection: 'local',
    become: { ...sudo, user: 'someone-else', exe, password: new Secret(password) },
  })
  await using connection = asUser(await connectLocal(host, never))
  const stdin = `${'# ä\n'.repeat(50_000)}echo "$1"; echo e >&2; exit 7`
  expect(await connection.exec('/bin/sh -s -- "a  b"', { stdin })).toEqual({
    exitCode: 7,
    stdout: 'a  b\n',
    stderr: 'e\n',
  })
  expect(await connection.exec('cat', { stdin: '' })).toEqual({ exitCode: 0, stdout: '', stderr: '' })
})

test('no prompt: the password stays here', async () => {
  using directory = temporary()
  const exe = fakeSudo(directory.path, 'x', 'exec "$@"')
  const host = hostOf({
    connection: 'local',
    become: { ...sudo, user: 'someone-else', exe, password: new Secret('secret') },
  })
  await using connection = asUser(await connectLocal(host, never))
  expect(await connection.exec('cat', { stdin: 'program' })).toMatchObject({ exitCode: 0, stdout: 'program' })
})

test('a wrong password is given once, and nothing of the program', async () => {
  using directory = temporary()
  const exe = fakeSudo(directory.path, 'right', ':')
  const host = hostOf({
    connection: 'local',
    become: { ...sudo, user: 'someone-else', exe, password: new Secret('wrong') },
  })
  const gate = new PasswordGate()
  await using connection = asUser(await connectLocal(host, never), gate)
  const mark = join(directory.path, 'mark')
  const error = await connection
    .exec('/bin/sh -s', { stdin: `right\ntouch ${mark}\n` })
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CommandError)
  expect(error).toMatchObject({
    begun: false,
    message: expect.stringContaining('refused the password: Falsch, nochmal'),
  })
  expect(existsSync(mark)).toBe(false)
  await expect(connection.exec('/bin/sh -s')).rejects.toThrow(NotTriedError)
})

test('a user who is not there, and one whose shell is nologin: said so, and the password is not called wrong', async () => {
  using directory = temporary()
  const nobody = fakeSudo(
    directory.path,
    'x',
    'printf "sudo: %s\\n" "unknown user ghost" "error initializing audit plugin sudoers_audit" >&2; exit 1',
  )
  const host = (become: Partial<Become>) =>
    hostOf({ connection: 'local', become: { ...sudo, user: 'ghost', password: null, ...become } })
  await using first = asUser(await connectLocal(host({ exe: nobody }), never))
  await expect(first.exec('/bin/sh -s')).rejects.toMatchObject({
    message: `web-1: ${nobody} does not let root become ghost: sudo: unknown user ghost`,
    hint: 'on the host: getent passwd ghost',
  })
  const su = join(directory.path, 'su')
  writeFileSync(
    su,
    '#!/bin/sh\nprintf "Password: " >&2; read -r given; echo >&2; echo "This account is currently not available." >&2; exit 1\n',
  )
  chmodSync(su, 0o755)
  const gate = new PasswordGate()
  const other = { method: 'su', exe: su, password: new Secret('right') } as const
  for (const _ of ['tried', 'and tried on the next']) {
    await using connection = asUser(await connectLocal(host(other), never), gate)
    await expect(connection.exec('/bin/sh -s')).rejects.toMatchObject({
      message: expect.stringContaining('become ghost: This account is currently not available.'),
      hint: 'on the host: getent passwd ghost',
    })
  }
})

test('requiretty on this machine, where no terminal is to be had, is said', async () => {
  using directory = temporary()
  const exe = fakeSudo(directory.path, 'x', 'echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1')
  const host = hostOf({
    connection: 'local',
    become: { ...sudo, user: 'someone-else', exe, password: new Secret('x') },
  })
  await using connection = asUser(await connectLocal(host, never))
  const error = await connection.exec('true').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    message: expect.stringMatching(/works on a terminal only: sudo: sorry, you must have a tty to run sudo$/),
    hint: 'on the host: Defaults !requiretty',
  })
})

test('a host that prints without end is not listened to for long', async () => {
  let rounds = 0
  const end = await askToBeLetIn(
    {
      over: null,
      heard: () => ({ stdout: '', stderr: 'x'.repeat(rounds * 10_000) }),
      next: () => Promise.resolve(++rounds < 100 ? 'more' : 'ended'),
      say: () => {},
    },
    {
      way: { become: { ...sudo, password: new Secret('pw') }, marker: 'm', asks: true, terminal: false },
      host: 'sim-1',
      gate: new PasswordGate(),
    },
  )
  expect([end, rounds]).toEqual(['endless', 14])
})
