/** What ssh_config says of the way in holds over both transports, read here and asked of ssh, against a real sshd. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Host } from '../../src/inventory/host.ts'
import { createConnect } from '../../src/transport/connect.ts'
import { connectError, hostOf, never } from '../unit/transport/hosts.ts'
import { type Sshd, startSshd } from './ssh/sshd.ts'

let directory: string
let sshd: Sshd

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-config-'))
  sshd = await startSshd({ config: ['LogLevel DEBUG1'] })
})
afterAll(async () => {
  await sshd[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

/** Through a config that ends in these lines; `Match` makes it one that ssh has to be asked about. */
function connectBy(transport: 'ssh2' | 'openssh', lines: readonly string[], isAsked: boolean) {
  const known = join(directory, 'known_hosts')
  const file = join(directory, 'config')
  writeFileSync(known, `${sshd.knownHosts}\n`)
  writeFileSync(file, [isAsked ? 'Match host *' : 'Host *', ` IdentityFile ${sshd.keyFile}`, ...lines, ''].join('\n '))
  const connect = createConnect({ sshConfig: file, agentSocket: null, defaultKeyFiles: [], knownHostsFiles: [known] })
  const host: Partial<Host> = { port: sshd.port, transport, ssh: { said: ['port'], options: [], configFile: null } }
  return connect(hostOf(host), never)
}

const CASES = (['ssh2', 'openssh'] as const).flatMap(transport => [
  [transport, false] as const,
  [transport, true] as const,
])

test.each(CASES)('%s (a Match in it: %s): from where, and with which algorithms', async (transport, isAsked) => {
  for (const [line, logged] of [
    ['BindAddress 127.0.0.9', /Connection from 127\.0\.0\.9 port/],
    ['BindInterface lo', /Connection from 127\.0\.0\.1 port/],
    ['AddressFamily inet', /Connection from 127\.0\.0\.1 port/],
    ['Ciphers aes256-ctr', /client->server cipher: aes256-ctr/],
    ['MACs hmac-sha2-512\nCiphers aes192-ctr', /client->server cipher: aes192-ctr MAC: hmac-sha2-512 /],
    ['KexAlgorithms -curve*,sntrup*,mlkem*', /kex: algorithm: ecdh-sha2-nistp256/],
    ['KexAlgorithms ecdh-sha2-nistp384', /kex: algorithm: ecdh-sha2-nistp384/],
    ['PreferredAuthentications publickey', /Accepted publickey for root/],
  ] as const) {
    const before = sshd.logged(logged).length
    await using connection = await connectBy(transport, [line], isAsked)
    expect((await connection.exec('echo in')).stdout).toBe('in\n')
    expect(sshd.logged(logged).length, line).toBeGreaterThan(before)
  }
})

test.each(CASES)('%s (a Match in it: %s): what leaves no way in', async (transport, isAsked) => {
  for (const [line, reason] of [
    ['AddressFamily inet6', 'dns'],
    ['PubkeyAuthentication no', 'auth'],
    ['PreferredAuthentications password', 'auth'],
    ['HostKeyAlgorithms ecdsa-sha2-nistp256', 'protocol'],
  ] as const) {
    const accepted = sshd.logged(/Accepted/).length
    const error = await connectError(connectBy(transport, [line], isAsked), reason)
    if (transport === 'ssh2' && reason === 'auth') expect(error.message).toContain(`publickey is not tried: `)
    expect(sshd.logged(/Accepted/)).toHaveLength(accepted)
  }
})
