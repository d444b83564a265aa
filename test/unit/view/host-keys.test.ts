/** Host keys for people and for programs. */
import { expect, test } from 'vitest'
import { exitCodeOf } from '../../../src/cli/hostkeys.ts'
import { hostKeysDocument, hostKeysText, type Row } from '../../../src/view/host-keys.ts'
import { hostKeysSchema } from '../../../src/view/host-keys-schema.ts'

const key = { host: 'a', name: 'a', type: 'ssh-ed25519', fingerprint: 'SHA256:x', state: 'new', against: null } as const
const other = { place: 'known:2', type: 'ssh-rsa', fingerprint: 'SHA256:y' }
const rows: readonly Row[] = [
  { host: 'a', key, state: 'new', error: null },
  { host: 'b', key: null, state: 'not seen', error: { message: 'no \u001b[1mroute', hint: null } },
  { host: 'c', key: null, state: 'excluded', error: { message: 'excluded: ours', hint: null } },
  { host: 'd', key: { ...key, state: 'changed', against: other }, state: 'changed', error: null },
  { host: 'e', key: { ...key, state: 'revoked', against: other }, state: 'revoked', error: null },
  { host: 'f', key: null, state: 'failed', error: { message: 'no jump', hint: 'look' } },
]

test('one line a host, nothing a terminal would act on; of a changed key both fingerprints', () => {
  expect(hostKeysText(rows)).toBe(
    [
      'host  known_hosts  type         fingerprint  state',
      'a     a            ssh-ed25519  SHA256:x     new',
      'b     -            -            -            not seen  no \\x1b[1mroute',
      'c     -            -            -            excluded  excluded: ours',
      'd     a            ssh-ed25519  SHA256:x     changed   known:2 has ssh-rsa SHA256:y',
      'e     a            ssh-ed25519  SHA256:x     revoked   known:2',
      'f     -            -            -            failed    no jump',
      '',
    ].join('\n'),
  )
})

test('every host is in the document, as its schema says', () => {
  const document = hostKeysSchema.parse(hostKeysDocument(rows, 1))
  expect(document).toMatchObject({ schema: 1, exit_code: 1 })
  const nothing = { known_as: null, type: null, fingerprint: null, against: null }
  const seen = { known_as: 'a', type: 'ssh-ed25519', fingerprint: 'SHA256:x', error: null }
  expect(document.hosts).toEqual([
    { ...seen, name: 'a', state: 'new', against: null },
    { ...nothing, name: 'b', state: 'not-seen', error: { message: 'no \\x1b[1mroute', hint: null } },
    { ...nothing, name: 'c', state: 'excluded', error: { message: 'excluded: ours', hint: null } },
    { ...seen, name: 'd', state: 'changed', against: other },
    { ...seen, name: 'e', state: 'revoked', against: other },
    { ...nothing, name: 'f', state: 'failed', error: { message: 'no jump', hint: 'look' } },
  ])
})

test.each<[number, readonly Row['state'][]]>([
  [0, ['known', 'new', 'excluded']],
  [3, ['known', 'not seen', 'excluded']],
  [1, ['not seen', 'changed']],
  [1, ['revoked']],
  [1, ['not seen', 'failed']],
])('exit code %i for %j', (code, states) => {
  expect(exitCodeOf(states.map(state => ({ state })))).toBe(code)
})
