/** Servers that take only what OpenSSH 4.3 and 5.3 take, as far as the sshd of today can be held to it; and newer than us. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createConnect } from '../../src/transport/connect.ts'
import { connectError, hostOf, never } from '../unit/transport/hosts.ts'
import { type Sshd, type SshdOptions, startSshd } from './ssh/sshd.ts'

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-legacy-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** The keys such hosts know: Ed25519 came with 6.5. */
function rsaKeyFor(sshd: Sshd): string {
  const file = join(sshd.directory, 'rsa')
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '', '-f', file])
  copyFileSync(`${file}.pub`, join(sshd.directory, 'authorized'))
  return file
}

function connectTo(sshd: Sshd, legacySsh: boolean, privateKeyFile = sshd.keyFile) {
  const file = join(directory, `known-${sshd.port}`)
  writeFileSync(file, `${sshd.knownHosts}\n`)
  const connect = createConnect({ sshConfig: 'none', agentSocket: null, knownHostsFiles: [file] })
  return connect(hostOf({ port: sshd.port, privateKeyFile, legacySsh }), never)
}

const GEX = 'diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1'
const OLD = [
  'LogLevel DEBUG1',
  'Ciphers aes128-cbc,3des-cbc,aes192-cbc,aes256-cbc',
  'MACs hmac-md5,hmac-sha1,hmac-sha1-96',
]

test.each<[string, string, SshdOptions]>([
  [
    'CentOS 6 (5.3)',
    'diffie-hellman-group14-sha1',
    {
      hostKeyType: 'rsa',
      config: [
        ...OLD,
        `KexAlgorithms ${GEX},diffie-hellman-group14-sha1,diffie-hellman-group1-sha1`,
        'HostKeyAlgorithms ssh-rsa',
      ],
    },
  ],
  [
    'CentOS 5 (4.3), with a DSA key',
    'diffie-hellman-group1-sha1',
    {
      hostKeyType: 'dsa',
      config: [...OLD, `KexAlgorithms ${GEX},diffie-hellman-group1-sha1`, 'HostKeyAlgorithms ssh-dss'],
    },
  ],
])('%s: only with ctfix_legacy_ssh, and never by group exchange', async (_, kex, options) => {
  await using sshd = await startSshd(options)
  const error = await connectError(connectTo(sshd, false), 'protocol')
  expect(error.message).toMatch(
    /SSH-2\.0-OpenSSH_\S+ .*and ctfix do not agree: no common key exchange: it offers diffie-hellman-group-exchange-sha256/,
  )
  expect(error.message).toContain(`${kex}`)
  expect(error.message).toMatch(
    /; ctfix offers curve25519-sha256, .*; no common host key type: .*; no common cipher: it offers aes128-cbc/,
  )
  expect(error.hint).toBe('for this host: ctfix_legacy_ssh: true')
  await using connection = await connectTo(sshd, true, rsaKeyFor(sshd))
  expect((await connection.exec('echo old')).stdout).toBe('old\n')
  const agreed = sshd.logged(/kex: algorithm: /).map(line => /algorithm: (\S+)/.exec(line)?.[1])
  expect(agreed.filter(name => name !== '(no')).toEqual([kex])
})

test.each([
  ['group exchange alone, which would stop this process for seconds', GEX],
  ['post-quantum key exchange alone', 'sntrup761x25519-sha512@openssh.com'],
])('%s is left to the system’s ssh', async (_, kex) => {
  await using sshd = await startSshd({ config: [`KexAlgorithms ${kex}`] })
  for (const legacySsh of [false, true]) {
    const error = await connectError(connectTo(sshd, legacySsh), 'protocol')
    expect(error.message).toContain(`no common key exchange: it offers ${kex.replaceAll(',', ', ')}; ctfix offers`)
    expect(error.hint).toContain('--transport openssh')
  }
})
