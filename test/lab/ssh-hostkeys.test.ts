/** `ctfix hostkeys scan` as people run it: several at once, behind a jump host, over a file that is kept in a repository. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostKeysSchema } from '../../src/view/host-keys-schema.ts'
import { type Sshd, startSshd } from './ssh/sshd.ts'

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname
let directory: string
let gate: Sshd
let hosts: Sshd[]

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-scan-'))
  const kinds = ['ed25519', 'ecdsa', 'rsa'] as const
  ;[gate, ...hosts] = (await Promise.all([startSshd(), ...kinds.map(hostKeyType => startSshd({ hostKeyType }))])) as [
    Sshd,
    ...Sshd[],
  ]
  const lines = hosts.map(({ port }, i) => `    web-${i + 1}: { ansible_host: 127.0.0.1, ansible_port: ${port} }`)
  writeFileSync(join(directory, 'inventory.yaml'), `all:\n  hosts:\n${lines.join('\n')}\n`)
  const way = `Host gate\n HostName 127.0.0.1\n Port ${gate.port}\n User root\n IdentityFile ${gate.keyFile}\nHost *\n HashKnownHosts yes\n`
  writeFileSync(join(directory, 'config'), way)
})
afterAll(async () => {
  await Promise.all([gate, ...hosts].map(sshd => sshd?.[Symbol.asyncDispose]()))
  rmSync(directory, { recursive: true, force: true })
})

function scan(known: string, ...more: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const file = more[0]?.endsWith('.yaml') ? more.shift() : 'inventory.yaml'
  const inventory = ['-i', join(directory, file ?? ''), '--known-hosts', join(directory, known)]
  const args = ['hostkeys', 'scan', ...inventory, '-F', join(directory, 'config'), '--connect-timeout', '15s', ...more]
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, SSH_AUTH_SOCK: '' } })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.stderr += chunk.toString()
  })
  return new Promise(resolve => child.once('close', code => resolve({ code, ...said })))
}

const documentOf = (stdout: string) => hostKeysSchema.parse(JSON.parse(stdout))
const states = (stdout: string): string[] => documentOf(stdout).hosts.map(({ state }) => state)

test('three scans at once fill one file with one line a host, without a login anywhere', async () => {
  const all = await Promise.all([1, 2, 3].map(() => scan('known', '--output', 'json')))
  expect(all.map(({ code, stderr }) => [code, stderr.replace(/^ctfix: \d new keys?.*\n/, '')])).toEqual(
    Array(3).fill([0, '']),
  )
  const written = readFileSync(join(directory, 'known'), 'utf8').trimEnd().split('\n')
  expect(written.toSorted()).toEqual(hosts.map(({ knownHosts }) => knownHosts).toSorted())
  expect(all.flatMap(({ stdout }) => states(stdout)).filter(state => state === 'new').length).toBeGreaterThanOrEqual(3)
  expect(hosts.flatMap(sshd => sshd.logged(/Accepted|Failed|Invalid user/))).toEqual([])
  expect(await scan('known', '--output', 'junit')).toMatchObject({ code: 64, stdout: '' })
  const again = await scan('known')
  expect(again.code).toBe(0)
  expect(again.stdout.split('\n')[2]).toMatch(
    /^web-2 +\[127\.0\.0\.1\]:\d+ +ecdsa-sha2-nistp256 +SHA256:\S{43} +known$/,
  )
})

test('a changed key and a host that is away: shown, never written', async () => {
  const [one, two, three] = hosts
  if (!one || !two || !three) throw new Error('no hosts')
  const text = `# ours\n[127.0.0.1]:${one.port} ${gate.hostKey}\n${two.knownHosts}\n`
  writeFileSync(join(directory, 'changed'), text)
  await three.stop()
  const { code, stdout } = await scan('changed')
  expect(code).toBe(1)
  const lines = stdout.split('\n')
  expect(lines[1]).toMatch(/^web-1 .* changed +\S+\/changed:2 has ssh-ed25519 SHA256:/)
  expect(lines[2]).toMatch(/^web-2 .* known$/)
  expect(lines[3]).toMatch(/^web-3 +- +- +- +not seen +cannot connect to 127\.0\.0\.1:\d+: connection refused/)
  expect(readFileSync(join(directory, 'changed'), 'utf8')).toBe(text)
  const document = documentOf((await scan('changed', '--output', 'json')).stdout)
  expect(document.exit_code).toBe(1)
  expect(document.hosts[0]).toMatchObject({
    fingerprint: expect.stringMatching(/^SHA256:/),
    against: { place: `${join(directory, 'changed')}:2`, type: 'ssh-ed25519' },
  })
  expect(document.hosts[0]?.against?.fingerprint).not.toBe(document.hosts[0]?.fingerprint)
  const away = await scan('away', '-l', 'web-3', '--output', 'json')
  expect([away.code, documentOf(away.stdout).exit_code]).toEqual([3, 3])
})

test('behind a jump host, which is logged in to and has to be known itself', async () => {
  const unknown = await scan('behind', '-J', 'gate', '-l', 'web-1')
  expect([unknown.code, unknown.stdout]).toEqual([3, expect.stringContaining('through gate: the host key of')])
  writeFileSync(join(directory, 'behind'), `${gate.knownHosts}\n`)
  const { code, stdout, stderr } = await scan('behind', '-J', 'gate', '-l', 'web-1')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/web-1 .* new/)])
  expect(stderr).toBe('ctfix: 1 new key written down: compare its fingerprint before you rely on it\n')
  expect(gate.logged(/Accepted publickey/)).toHaveLength(1)
  // The same by a variable of the inventory.
  const vars = `{ ansible_host: 127.0.0.1, ansible_port: ${hosts[0]?.port}, ansible_ssh_common_args: "-o ProxyJump=gate" }`
  writeFileSync(join(directory, 'vars.yaml'), `all:\n  hosts:\n    web-1: ${vars}\n`)
  const byVariable = await scan('behind', 'vars.yaml')
  expect([byVariable.code, byVariable.stdout]).toEqual([0, expect.stringMatching(/web-1 .* known/)])
  expect(gate.logged(/Accepted publickey/)).toHaveLength(2)
})
