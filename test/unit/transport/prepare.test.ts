/** What a person has to say comes before any door and any clock. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createConnect, type TransportEvent } from '../../../src/transport/connect.ts'
import { userKeyFile } from '../../lab/simulated/keys.ts'
import { startSimulated } from '../../lab/simulated.ts'
import { fromLab, never, temporary } from './hosts.ts'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined

/** A host, a copy of its key that is locked, and a passphrase that is typed when told. */
async function setUp(config = '') {
  const lab = await startSimulated(1)
  const directory = temporary()
  const locked = join(directory.path, 'locked')
  copyFileSync(userKeyFile().path, locked)
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', locked], { stdio: 'ignore' })
  const [first] = lab.hosts()
  if (!first) throw new Error('no host')
  const known = join(directory.path, 'known')
  writeFileSync(known, `${first.knownHosts}\n`)
  const file = join(directory.path, 'config')
  writeFileSync(file, config.replace('PORT', String(first.vars.ansible_port)).replace('KEY', locked))
  const events: TransportEvent[] = []
  const typed = Promise.withResolvers<string>()
  const connect = createConnect({
    sshConfig: file,
    knownHostsFiles: [known],
    agentSocket: null,
    connectTimeoutMs: 2_500,
    askPassphrase: () => typed.promise,
    observe: event => events.push(event),
  })
  const close = async (): Promise<void> => {
    directory[Symbol.dispose]()
    await lab[Symbol.asyncDispose]()
  }
  const attempts = (): number => events.filter(({ type }) => type === 'attempt').length
  return { lab, connect, host: fromLab(first), locked, typed, attempts, [Symbol.asyncDispose]: close }
}

test.runIf(hasKeygen)('a passphrase typed slowly: no attempt, no slot and no time of any host', async () => {
  await using at = await setUp()
  const opened = Array.from({ length: 12 }, async (_, i) => {
    await using connection = await at.connect({ ...at.host, name: `n${i}`, privateKeyFile: at.locked }, never)
    return connection.alive
  })
  // As many as there are slots wait for the person; this one is none of them.
  await delay(100)
  await using other = await at.connect(at.host, AbortSignal.timeout(3_000))
  expect(other.alive).toBe(true)
  expect(at.attempts()).toBe(1)
  await delay(3_000)
  expect(at.attempts()).toBe(1)
  await at.lab.host('sim-1').failConnect('close')
  at.typed.resolve('secret')
  await delay(200)
  // its time is still whole: one that fails first is tried again.
  await at.lab.host('sim-1').heal()
  expect(await Promise.all(opened)).toEqual(Array(12).fill(true))
})

test.runIf(hasKeygen)('so does the passphrase of a jump host’s key', async () => {
  await using at = await setUp('Host gate\n HostName 127.0.0.1\n Port PORT\n User root\n IdentityFile KEY\n')
  const ssh = { said: ['port', 'user'] as const, options: [['proxyjump', 'gate']] as const, configFile: null }
  const through = at.connect({ ...at.host, ssh }, never).then(
    () => 'in',
    (error: unknown) => String(error),
  )
  await delay(3_000)
  expect(at.attempts()).toBe(0)
  at.typed.resolve('')
  expect(await through).toContain('through gate: ')
})
