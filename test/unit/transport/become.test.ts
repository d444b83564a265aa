/** Root through sudo: on simulated hosts for the words, in a real shell for what arrives. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CommandError, ConfigError } from '../../../src/errors.ts'
import { Secret } from '../../../src/inventory/host.ts'
import { asUser, checkBecome } from '../../../src/transport/become.ts'
import { assemble, type TransportEvent } from '../../../src/transport/connect.ts'
import type { Connect } from '../../../src/transport/connection.ts'
import { connectLocal } from '../../../src/transport/local.ts'
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
  ['no-sudo', /^sim-1: sudo cannot be run: sh: sudo: not found$/],
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

test('what cannot be done is said before anything is connected to', async () => {
  const user = 'ops'
  expect(() => checkBecome(hostOf({ user, become: { ...sudo, method: 'doas' } }))).toThrow(
    'inventory.yaml:1: web-1: become method doas is not supported',
  )
  expect(() => checkBecome(hostOf({ user, become: { ...sudo, method: 'su' } }))).toThrow(ConfigError)
  const withPassword = hostOf({ user, become: { ...sudo, password: new Secret('x') } })
  await expect(connect(withPassword, never)).rejects.toThrow('sudo with a password is not supported')
})
