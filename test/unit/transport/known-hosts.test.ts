/** known_hosts as ssh reads and writes it; where ssh-keygen is installed it is the judge. */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { fingerprint } from '../../../src/transport/host-key.ts'
import { KnownHosts } from '../../../src/transport/known-hosts.ts'
import { makePair } from '../../lab/simulated/keys.ts'
import { workMs, workMsOf } from '../../support/work.ts'
import { temporary } from './hosts.ts'

const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined

function keyOf(publicText: string): { line: string; blob: Buffer } {
  const line = publicText.split(' ').slice(0, 2).join(' ')
  return { line, blob: Buffer.from(line.split(' ')[1] ?? '', 'base64') }
}

const a = keyOf(makePair().publicText)
const b = keyOf(makePair().publicText)
const ec = keyOf(ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).public)

async function load(...texts: string[]): Promise<{ known: KnownHosts; files: string[] }> {
  using directory = temporary()
  const files = texts.map((text, i) => {
    const file = join(directory.path, `known_hosts${i}`)
    writeFileSync(file, text)
    return file
  })
  return { known: await KnownHosts.load(files), files }
}

async function status(text: string, host: string, port = 22, blob = a.blob): Promise<string> {
  return (await load(text)).known.verdict(host, port, blob).status
}

test.each([
  ['web-1', 'web-1', 22, 'known'],
  ['web-1', 'WEB-1', 22, 'known'],
  ['Web-1', 'web-1', 22, 'known'],
  ['web-1,10.0.0.1', '10.0.0.1', 22, 'known'],
  ['web-1', 'web-2', 22, 'unknown'],
  ['[web-1]:2222', 'web-1', 2222, 'known'],
  ['[web-1]:2222', 'web-1', 22, 'unknown'],
  ['[web-1]:2222', 'web-1', 2223, 'unknown'],
  ['web-1', 'web-1', 2222, 'known'], // as ssh: "checking without port identifier"
  ['*.example.com', 'a.b.example.com', 22, 'known'],
  ['*.example.com', 'example.com', 22, 'unknown'],
  ['web-?', 'web-1', 22, 'known'],
  ['web-?', 'web-10', 22, 'unknown'],
  ['*,!web-1', 'web-1', 22, 'unknown'],
  ['!web-1,*', 'web-2', 22, 'known'],
  ['!web-1', 'web-2', 22, 'unknown'],
  ['[*.example.com]:2222', 'a.example.com', 2222, 'known'],
  ['10.0.0.1', '10a0b0c1', 22, 'unknown'], // a dot is a dot
  ['2001:db8::1', '2001:db8::1', 22, 'known'],
])('line for %s, host %s port %i: %s', async (names, host, port, expected) => {
  expect(await status(`${names} ${a.line}\n`, host, port)).toBe(expected)
})

test('a run of stars does not make matching take forever', async () => {
  const text = `${'*a'.repeat(12)}b ${a.line}\n${'*'.repeat(60)}b ${a.line}\n`
  expect(await workMsOf(() => status(text, 'a'.repeat(60)))).toBeLessThan(500)
})

test('another key: where the known one stands, and both fingerprints', async () => {
  const { known, files } = await load('# mine\n', `\nweb-1 ${ec.line}\nweb-1 ${b.line} comment here\n`)
  expect(known.verdict('web-1', 22, a.blob)).toEqual({
    status: 'changed',
    place: { file: files[1], line: 3 },
    expected: { type: 'ssh-ed25519', fingerprint: fingerprint(b.blob) },
    actual: { type: 'ssh-ed25519', fingerprint: fingerprint(a.blob) },
  })
  expect(known.verdict('web-1', 22, ec.blob)).toEqual({ status: 'known' })
})

test('a key of another type than the known one is a change, too', async () => {
  expect(await status(`web-1 ${ec.line}\n`, 'web-1')).toBe('changed')
})

test('another key under the bare name says nothing about another port', async () => {
  expect(await status(`web-1 ${b.line}\n`, 'web-1', 2222)).toBe('unknown')
})

test('revoked comes before known, in whatever file and order', async () => {
  const text = `web-1 ${a.line}\n@revoked * ${a.line}\n`
  expect(await status(text, 'web-1')).toBe('revoked')
  expect(await status(text, 'web-1', 2222)).toBe('revoked')
  const { known } = await load(`web-1 ${a.line}\n`, `@revoked web-1 ${a.line}\n`)
  expect(known.verdict('web-1', 22, a.blob).status).toBe('revoked')
  expect(await status(`@revoked web-1 ${b.line}\nweb-1 ${a.line}\n`, 'web-1')).toBe('known')
  // A revoked line is no knowledge of the host.
  expect(await status(`@revoked web-1 ${b.line}\n`, 'web-1')).toBe('unknown')
})

test('a certificate authority is named, and vouches for no plain key', async () => {
  const { known, files } = await load(`@cert-authority *.example.com ${a.line}\n`)
  const authority = { file: files[0], line: 1 }
  expect(known.verdict('web.example.com', 22, a.blob)).toEqual({ status: 'unknown', authority })
  expect(known.knownTypes('web.example.com', 22)).toEqual([])
})

test('damaged lines are ignored and counted', async () => {
  const damaged = ['web-1', 'web-1 ssh-ed25519', 'web-1 ssh-ed25519 AAAA', `web-1 ssh-rsa ${a.line.split(' ')[1]}`]
  const more = [`|1|x ${a.line}`, `|2|eA==|eA== ${a.line}`, `@other web-1 ${a.line}`, 'web-1 1024 35 1234']
  const { known } = await load(`${[...damaged, ...more].join('\n')}\n\n# c\nweb-1 ${a.line}`)
  expect(known.damaged.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(known.verdict('web-1', 22, a.blob).status).toBe('known')
})

test('known types, in the order of the files', async () => {
  const { known } = await load(`web-1 ${ec.line}\nweb-1 ${a.line}\n*-1 ${b.line}\n`)
  expect(known.knownTypes('web-1', 22)).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519'])
  expect(known.knownTypes('web-1', 2222)).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519'])
  expect(known.knownTypes('other', 22)).toEqual([])
})

test('a new key: directory, file and modes as ssh makes them; known from then on', async () => {
  using directory = temporary()
  const file = join(directory.path, '.ssh', 'known_hosts')
  const known = await KnownHosts.load([file])
  known.add('web-1', 2222, a.blob)
  known.add('web-1', 22, b.blob)
  expect(readFileSync(file, 'utf8')).toBe(`[web-1]:2222 ${a.line}\nweb-1 ${b.line}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(directory.path, '.ssh')).mode & 0o777).toBe(0o700)
  expect(known.verdict('web-1', 2222, a.blob).status).toBe('known')
  expect(known.verdict('web-1', 2222, b.blob).status).toBe('changed')
})

test('a file that ends inside a line is not added to that line', async () => {
  using directory = temporary()
  const file = join(directory.path, 'known_hosts')
  writeFileSync(file, `web-1 ${a.line}`)
  const known = await KnownHosts.load([file])
  known.add('web-2', 22, b.blob)
  expect(readFileSync(file, 'utf8')).toBe(`web-1 ${a.line}\nweb-2 ${b.line}\n`)
})

test('a file that cannot be read is an error, one that is missing is not', async () => {
  using directory = temporary()
  mkdirSync(join(directory.path, 'dir'))
  await expect(KnownHosts.load([join(directory.path, 'dir')])).rejects.toThrow('dir: cannot read known hosts')
  await expect(KnownHosts.load([join(directory.path, 'none')])).resolves.toBeInstanceOf(KnownHosts)
})

test('thousands of lines are looked up quickly', async () => {
  const { known } = await load(Array.from({ length: 20_000 }, (_, i) => `host-${i} ${a.line}\n`).join(''))
  const ms = workMs(() => {
    for (let i = 0; i < 20_000; i++) known.verdict(`host-${i}`, 22, a.blob)
  })
  expect(ms).toBeLessThan(500)
})

test.runIf(hasKeygen)('ssh-keygen finds what we add', async () => {
  using directory = temporary()
  const file = join(directory.path, 'known_hosts')
  const known = await KnownHosts.load([file])
  known.add('Web-1', 2222, a.blob)
  known.add('2001:db8::1', 22, b.blob)
  const find = (name: string): string => execFileSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' })
  expect(find('[web-1]:2222')).toContain(a.line)
  expect(find('2001:db8::1')).toContain(b.line)
})

test.runIf(hasKeygen)('we find what ssh-keygen has hashed', async () => {
  using directory = temporary()
  const file = join(directory.path, 'known_hosts')
  writeFileSync(file, `web-1,10.0.0.1 ${a.line}\n[web-2]:2222 ${ec.line}\n`)
  execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' })
  // With the dash: a hash is base64 and may well hold the three letters.
  expect(readFileSync(file, 'utf8')).not.toContain('web-')
  appendFileSync(file, `web-3 ${b.line}\n`)
  const known = await KnownHosts.load([file])
  expect(known.damaged).toEqual([])
  expect(known.verdict('web-1', 22, a.blob).status).toBe('known')
  expect(known.verdict('10.0.0.1', 22, a.blob).status).toBe('known')
  expect(known.verdict('WEB-2', 2222, ec.blob).status).toBe('known')
  expect(known.verdict('web-2', 2222, a.blob).status).toBe('changed')
  expect(known.knownTypes('web-2', 2222)).toEqual(['ecdsa-sha2-nistp256'])
  expect(known.verdict('web-9', 22, a.blob).status).toBe('unknown')
})

test.runIf(hasKeygen)('fingerprints are those of ssh-keygen', () => {
  using directory = temporary()
  const file = join(directory.path, 'key.pub')
  writeFileSync(file, `${a.line}\n`)
  expect(execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' })).toContain(fingerprint(a.blob))
})

test('a hashed line does not show the name, and is found again', async () => {
  using directory = temporary()
  const file = join(directory.path, 'known_hosts')
  const known = await KnownHosts.load([file])
  expect(known.add('web-1', 2222, a.blob, { hash: true })).toEqual({ status: 'known' })
  known.add('web-1', 2222, a.blob, { hash: true })
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^\|1\|\S{28}\|\S{28} ssh-ed25519 \S+\n$/)
  expect((await KnownHosts.load([file])).verdict('web-1', 2222, a.blob).status).toBe('known')
})

test('what was written to the file since it was read decides', async () => {
  using directory = temporary()
  const file = join(directory.path, 'known_hosts')
  const known = await KnownHosts.load([file])
  writeFileSync(file, `web-1 ${a.line}\nweb-2 ${b.line}\n@revoked web-3 ${a.line}\n`)
  expect(known.add('web-1', 22, a.blob).status).toBe('known')
  expect(known.add('web-2', 22, a.blob)).toMatchObject({ status: 'changed', place: { file, line: 2 } })
  expect(known.add('web-3', 22, a.blob).status).toBe('revoked')
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4)
})

test('a lock left behind by a dead writer is taken away, one that is held is waited for', async () => {
  using directory = temporary()
  const file = join(directory.path, 'known_hosts')
  const lock = `${file}.ctfix-lock`
  const known = await KnownHosts.load([file])
  writeFileSync(lock, '1\n')
  utimesSync(lock, 0, 0)
  known.add('web-1', 22, a.blob)
  expect(existsSync(lock)).toBe(false)
  writeFileSync(lock, '1\n')
  expect(() => known.add('web-2', 22, a.blob)).toThrow(`${file}: another process is writing to it`)
  expect(readFileSync(file, 'utf8')).toBe(`web-1 ${a.line}\n`)
})
