/** What is worked out of ssh_config before the system's ssh is called. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import type { Host } from '../../../src/inventory/host.ts'
import { createDoors } from '../../../src/transport/doors.ts'
import { createOpensshConnect } from '../../../src/transport/openssh.ts'
import { masterArgs, type OpensshSettings } from '../../../src/transport/openssh-args.ts'
import { createOpensshWays } from '../../../src/transport/openssh-ways.ts'
import { hostOf, never, temporary } from './hosts.ts'

const directory = temporary()
afterAll(() => directory[Symbol.dispose]())
const configFile = join(directory.path, 'config')
writeFileSync(
  configFile,
  `Host web-*
  ProxyJump ops@gate:2200
Host gate
  ProxyJump outer
Host odd
  ProxyCommand nc %h %p
Host lax
  UserKnownHostsFile /dev/null
Host none
  UserKnownHostsFile none
Host behind-lax
  ProxyJump lax
Host a
  ProxyJump b
Host b
  ProxyJump a
`,
)
const hostAt = (address: string, overrides: Partial<Host> = {}): Host =>
  hostOf({ name: address, address, transport: 'openssh', ...overrides })
const wayOf = (host: Host, settings: OpensshSettings = {}) => createOpensshWays({ configFile, ...settings })(host)

test('a jump that only ssh_config names is built by us, with our checks at each hop', async () => {
  const { host } = await wayOf(hostAt('web-1'))
  expect(host.ssh?.options).toEqual([['proxyjump', 'outer,ops@gate:2200']])
  const args = masterArgs(host, { configFile }, { socket: '/s', timeoutMs: 1_000 })
  const command = args.find(word => word.startsWith('ProxyCommand=')) ?? ''
  for (const word of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ControlPath=none', 'ControlMaster=no']) {
    expect(command.split(word), word).toHaveLength(3)
  }
  expect(command).toMatch(/-p 2200 -l ops -W .* -- gate$/)
})

test('what the inventory says goes before it; a command and no jump are left alone', async () => {
  const ssh = { said: [], options: [['proxyjump', 'none']], configFile: null } as const
  for (const host of [hostAt('web-1', { ssh }), hostAt('odd'), hostAt('plain')]) {
    expect((await wayOf(host)).host).toBe(host)
  }
  expect((await wayOf(hostAt('plain'), { jump: 'gate' })).host.ssh?.options).toEqual([['proxyjump', 'outer,gate']])
})

test('a door is the jump host, the command, or the host', async () => {
  const ways = createOpensshWays({ configFile })
  const doors = createDoors()
  const doorOf = async (address: string) => doors((await ways(hostAt(address))).door)
  expect(await doorOf('web-1')).toBe(await doorOf('web-2'))
  expect(await doorOf('odd')).not.toBe(await doorOf('web-1'))
  expect(await doorOf('plain')).toBe(await doorOf('plain'))
  expect(await doorOf('plain')).not.toBe(await doorOf('other'))
})

test('jumps in a circle', async () => {
  await expect(wayOf(hostAt('a'))).rejects.toThrow('the jumps of ssh_config go in a circle: b > a > b')
})

test.each(['lax', 'none', 'behind-lax'])('accept-new and nowhere to keep a key: %s', async address => {
  const error = await wayOf(hostAt(address), { policy: 'accept-new' }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toMatchObject({ message: expect.stringMatching(/accept-new needs a file .*, got (\/dev\/null|none)$/) })
  await expect(wayOf(hostAt(address))).resolves.toBeDefined()
  await expect(wayOf(hostAt(address), { policy: 'accept-new', knownHostsFiles: ['/f'] })).resolves.toBeDefined()
})

test('ssh is told to open no window that asks', async () => {
  const { PATH } = process.env
  const seen = join(directory.path, 'seen')
  const ssh = join(directory.path, 'ssh')
  writeFileSync(ssh, `#!/bin/sh\necho "$SSH_ASKPASS_REQUIRE" > '${seen}'; exit 255\n`)
  chmodSync(ssh, 0o755)
  process.env.PATH = `${directory.path}:${PATH}`
  try {
    const connect = createOpensshConnect({ configFile })
    await expect(connect(hostAt('plain'), never)).rejects.toThrow('ssh ended without a word')
  } finally {
    process.env.PATH = PATH
  }
  expect(readFileSync(seen, 'utf8')).toBe('never\n')
})
