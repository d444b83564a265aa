/** Keys that ssh_config lets nobody use: by their kind, and RSA keys by their length. */
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { describe, expect, test } from 'vitest'
import { credentialsFor } from '../../../src/transport/authentication.ts'
import { checkHostKey } from '../../../src/transport/host-key-check.ts'
import { ANY_KEY, keyRules, whyTooShort, whyUnusable } from '../../../src/transport/key-rules.ts'
import { createKeyring } from '../../../src/transport/keyring.ts'
import { createRoutes } from '../../../src/transport/route.ts'
import { hostOf, temporary } from './hosts.ts'

function pem(bits: number): string {
  return generateKeyPairSync('rsa', { modulusLength: bits })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString()
}

function blobOf(text: string): Buffer {
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error) throw key
  return key.getPublicSSH()
}

const [short, long] = [pem(1024), pem(2048)]
/** A kind alone: nothing else of the blob is looked at. */
function kind(type: string): Buffer {
  const blob = Buffer.alloc(12 + type.length)
  blob.writeUInt32BE(type.length)
  blob.write(type, 4)
  return blob
}
const KINDS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ssh-dss', 'ssh-rsa']

/** Which of these kinds a list leaves. */
function left(list: string): string[] {
  return KINDS.filter(type => whyUnusable(kind(type), { leastBits: null, accepted: list }) === null)
}

describe('PubkeyAcceptedAlgorithms', () => {
  test.each([
    ['ssh-ed*', ['ssh-ed25519']],
    ['rsa-sha2-512', ['ssh-rsa']],
    ['ssh-rsa', ['ssh-rsa']],
    ['+ssh-d*', KINDS],
    ['-rsa*,ecdsa*,sk*', ['ssh-ed25519']],
    ['^ecdsa-sha2-nistp384', KINDS.filter(type => type !== 'ssh-dss')],
    ['sk-ssh-ed25519@openssh.com', []],
  ])('%s', (list, kinds) => {
    expect(left(list)).toEqual(kinds)
    if (spawnSync('ssh', ['-V']).error) return
    const said = execFileSync('ssh', ['-G', '-F', 'none', '-o', `PubkeyAcceptedAlgorithms=${list}`, 'x'], {
      encoding: 'utf8',
    })
    const names = /^pubkeyacceptedalgorithms (.*)$/m.exec(said)?.[1]?.split(',') ?? []
    expect(names.length).toBeGreaterThan(0)
    expect(KINDS.filter(type => names.some(name => (name.startsWith('rsa-') ? 'ssh-rsa' : name) === type))).toEqual(
      kinds,
    )
  })

  test('counts for no old server, which takes nothing else', () => {
    const settings = new Map([['pubkeyacceptedalgorithms', ['ssh-ed25519']]])
    expect(keyRules({ legacySsh: false }, settings).accepted).toBe('ssh-ed25519')
    expect(keyRules({ legacySsh: true }, settings).accepted).toBeNull()
  })
})

test('a file that is named and not there is told last, where nothing else lets us in', async () => {
  using directory = temporary()
  const route = await createRoutes({ configFile: 'none', knownHostsFiles: [] })(
    hostOf({ ssh: { said: [], options: [['identityfile', join(directory.path, 'gone')]], configFile: 'none' } }),
  )
  const keyring = createKeyring({ parse: () => new Error('none'), publicBlob: () => Buffer.alloc(0) })
  const { problems } = await credentialsFor(route, { keyring, defaultKeyFiles: [], hasAgent: false })
  const file = join(directory.path, 'gone')
  expect(problems).toEqual([{ problem: `there is no key file ${file}`, hint: `ls -l ${file}` }])
})

test('RequiredRSASize: the length of an RSA key, whatever others have', () => {
  const rules = { leastBits: 2048, accepted: null }
  expect(whyTooShort(blobOf(short), rules)).toBe('an RSA key of 1024 bits, and RequiredRSASize says 2048')
  expect(whyTooShort(blobOf(long), rules)).toBeNull()
  expect(whyTooShort(blobOf(short), ANY_KEY)).toBeNull()
  expect(whyTooShort(kind('ssh-ed25519'), rules)).toBeNull()
})

describe.each([
  ['a file of Host', 'Host *'],
  ['one that ssh has to be asked about', 'Match host *'],
])('%s', (_, head) => {
  const routeBy = async (directory: string, lines: string) => {
    const file = join(directory, 'config')
    writeFileSync(file, `${head}\n${lines}`)
    return createRoutes({ configFile: file, knownHostsFiles: [] })(hostOf())
  }

  test('a host key that is too short is refused before anything else', async () => {
    using directory = temporary()
    const route = await routeBy(directory.path, ' RequiredRSASize 2048\n')
    const error = checkHostKey(route, blobOf(short))
    expect(error?.message).toBe(
      'web-1: the host key of 127.0.0.1:22 is an RSA key of 1024 bits, and RequiredRSASize says 2048',
    )
    expect(error?.reason).toBe('host-key')
    expect(checkHostKey(route, blobOf(long))?.message).toContain('is not known')
  })

  test('one’s own are not shown, neither from a file nor by an agent, and the error says why', async () => {
    using directory = temporary()
    const [one, two] = [join(directory.path, 'short'), join(directory.path, 'long')]
    writeFileSync(one, short, { mode: 0o600 })
    writeFileSync(two, long, { mode: 0o600 })
    const keyring = createKeyring({
      parse: text => ({ blob: blobOf(text) }),
      publicBlob: key => key.blob,
    })
    const keys = ` IdentityFile ${one}\n IdentityFile ${two}\n`
    const sources = { keyring, defaultKeyFiles: [], hasAgent: true }
    const found = await credentialsFor(await routeBy(directory.path, `${keys} RequiredRSASize 2048\n`), sources)
    expect(found.keys.map(({ blob }) => blob)).toEqual([blobOf(long)])
    expect(found.problems).toMatchObject([
      { problem: `the key ${one} is not shown: an RSA key of 1024 bits, and RequiredRSASize says 2048` },
    ])
    expect(found.fromAgent?.(blobOf(short))).toBe(false)
    const none = await credentialsFor(
      await routeBy(directory.path, `${keys} PubkeyAcceptedKeyTypes ssh-ed25519\n`),
      sources,
    )
    expect(none.keys).toEqual([])
    expect(none.problems[0]?.problem).toContain('PubkeyAcceptedAlgorithms ssh-ed25519 leaves no ssh-rsa')
    expect([none.fromAgent?.(kind('ssh-ed25519')), none.fromAgent?.(blobOf(pem(3072)))]).toEqual([true, false])
  })
})
