/** Root by sudo, doas and su on real hosts: every kind of prompt and of refusal. */
import { expect } from 'vitest'
import type { Become } from '../../src/inventory/host.ts'
import { temporary } from '../unit/transport/hosts.ts'
import { account, opener, refusal, rootSecret, secret, startAccounts } from './become/accounts.ts'
import { labSuite } from './suite.ts'

const TRANSPORTS = ['ssh2', 'openssh'] as const

const WAYS: readonly [string, string, Partial<Become>][] = [
  ['sudo with a password', 'ops', { password: secret }],
  ['sudo that asks for none', 'free', {}],
  ['sudo that asks for none, though one is there', 'free', { password: secret }],
  ['sudo with requiretty', 'old', { password: secret }],
  ['sudo with requiretty that asks for no password', 'oldfree', {}],
  ['doas with a password', 'ops', { method: 'doas', password: secret }],
  ['doas that asks for none', 'free', { method: 'doas' }],
  ['doas that asks for none, though one is there', 'free', { method: 'doas', password: secret }],
  ['su with a password', 'ops', { method: 'su', password: rootSecret }],
  ['su of busybox', 'ops', { method: 'su', exe: '/run/other/su', password: rootSecret }],
  ['su that wants a terminal', 'ops', { method: 'su', exe: '/run/other/old-su', password: rootSecret }],
]

/** Shows its input's every byte, its arguments, and what root could find of the password while it runs. */
const SCRIPT = `id -un; printf '<%s>' "$@"; printf 'no end of line' >&2
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/self/environ 2>/dev/null | tr '\\0' '\\n' >/run/seen
exit 77
# ${'ä€'.repeat(20_000)}
`

/** What a terminal would act on, and more than any buffer of one holds. */
const BYTES = `a\u0001\u0003\u0004\u0011\u0013\u001a\r\n\u007f\u00ff${Array.from({ length: 4_000 }, (_, i) => `${i}\n`).join('')}z`

labSuite(
  'become',
  () => startAccounts(2),
  ({ it }) => {
    for (const transport of TRANSPORTS) {
      it(`${transport}: root in every way, and the program arrives whole`, async lab => {
        using directory = temporary()
        for (const [name, user, become] of WAYS) {
          // A run of its own each: nothing is learnt from another way.
          const open = opener(lab, directory.path)
          await using connection = await open({ ...account(lab, 'ns1', user, become), transport })
          for (const stdin of [SCRIPT, SCRIPT]) {
            const result = await connection.exec(`/bin/sh -s -- "\${SSH_CONNECTION%% *}" 'a  "b' '$c'`, { stdin })
            const lines = result.stdout.split('\n')
            expect({ name, ...result, stdout: lines.slice(-2).join('\n') }).toEqual({
              name,
              exitCode: 77,
              stdout: `root\n<${lab.hosts()[0]?.vars.ansible_host.replace(/\d+\.\d+$/, '0.1')}><a  "b><$c>`,
              stderr: 'no end of line',
            })
            const seen = await lab.inspect('ns1', 'cat /run/seen; rm /run/seen')
            expect(seen.stdout, name).toContain('/bin/sh')
            expect(seen.stdout, name).not.toContain('kanarien')
          }
          const bytes = await connection.exec('cat', { stdin: BYTES })
          expect({ name, ...bytes, stdout: bytes.stdout.replace('Willkommen! Password: none\n', '') }).toEqual({
            name,
            exitCode: 0,
            stdout: BYTES,
            stderr: '',
          })
          expect(await connection.exec('false')).toMatchObject({ exitCode: 1, stderr: '' })
        }
      })
    }

    it('no prompt is taken for a password’s that is none, in no language', async lab => {
      await lab.inspect('ns2', `echo 'export LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 LANGUAGE=de' >>/run/homes/ops/.bashrc`)
      using directory = temporary()
      const open = opener(lab, directory.path)
      for (const [method, password] of [
        ['sudo', secret],
        ['doas', secret],
        ['su', rootSecret],
      ] as const) {
        await using connection = await open(account(lab, 'ns2', 'ops', { method, password }))
        const { stdout, exitCode } = await connection.exec('/bin/sh -s', { stdin: 'id -un' })
        expect({ method, exitCode, stdout: stdout.split('\n').at(-2) }).toEqual({ method, exitCode: 0, stdout: 'root' })
      }
    })

    it('what a command leaves behind lives on, behind a terminal too', async lab => {
      using directory = temporary()
      const open = opener(lab, directory.path)
      {
        await using connection = await open(account(lab, 'ns1', 'ops', { method: 'doas', password: secret }))
        const stdin = '(sleep 1; echo yes >/run/lived) </dev/null >/dev/null 2>&1 &\n'
        expect((await connection.exec('/bin/sh -s', { stdin })).exitCode).toBe(0)
      }
      await expect
        .poll(async () => (await lab.inspect('ns1', 'cat /run/lived 2>&1')).stdout, { timeout: 5_000 })
        .toBe('yes\n')
    })

    it('every refusal says which tool, why, and what to do; the program was not begun', async lab => {
      using directory = temporary()
      const refused = async (user: string, become: Partial<Become>): Promise<string> => {
        const error = await refusal(opener(lab, directory.path), account(lab, 'ns1', user, become))
        return `${error.message} → ${error.hint}`
      }
      const said = await Promise.all([
        refused('ops', {}),
        refused('plain', { password: secret }),
        refused('ops', { exe: '/opt/none/sudo' }),
        refused('ops', { password: rootSecret }),
        refused('ops', { method: 'doas' }),
        refused('plain', { method: 'doas', password: secret }),
        refused('ops', { method: 'doas', password: rootSecret }),
        refused('ops', { method: 'su' }),
        refused('ops', { method: 'su', password: secret }),
      ])
      expect(said).toEqual([
        expect.stringMatching(
          /^ns1: sudo does not let ops become root without a password: sudo: a password is required → -K asks for the password; or on the host, with visudo: ops ALL=\(root\) NOPASSWD: ALL$/,
        ),
        expect.stringMatching(
          /^ns1: sudo does not let plain become root: plain is not in the sudoers file\. → on the host, with visudo: plain ALL=\(root\) ALL$/,
        ),
        expect.stringMatching(
          /^ns1: \/opt\/none\/sudo cannot be run: env: .*No such file or directory → log in as root, or install sudo there$/,
        ),
        expect.stringMatching(
          /^ns1: sudo refused the password: sudo: 1 incorrect password attempt → it was tried once/,
        ),
        expect.stringMatching(
          /^ns1: doas does not let ops become root without a password: doas: Auth\w+ required → -K asks for the password; or in doas.conf on the host: permit nopass ops as root$/,
        ),
        expect.stringMatching(
          /^ns1: doas does not let plain become root: doas: Operation not permitted → in doas.conf on the host: permit plain as root$/,
        ),
        expect.stringMatching(/^ns1: doas refused the password: doas: Authentication failed → it was tried once/),
        expect.stringMatching(
          /^ns1: su does not let ops become root without a password: su: Authentication failure → -K asks for the password of root$/,
        ),
        expect.stringMatching(/^ns1: su refused the password: su: Authentication failure → it was tried once/),
      ])
      expect((await lab.inspect('ns1', 'ls /run/begun 2>/dev/null')).stdout).toBe('')
    })

    for (const transport of TRANSPORTS) {
      it(`${transport}: a login shell that runs nothing is named, not the tool that it never called`, async lab => {
        using directory = temporary()
        for (const become of [
          {},
          { password: secret },
          { method: 'doas' },
          { method: 'doas', password: secret },
          { method: 'su', password: rootSecret },
        ] as const) {
          for (const [user, said] of [
            ['shut', '1: This account is currently not available.'],
            ['mute', '1'],
          ] as const) {
            const host = { ...account(lab, 'ns1', user, become), transport }
            const error = await refusal(opener(lab, directory.path), host)
            expect(error.message).toBe(`ns1: nothing could be run: the login shell ended with exit code ${said}`)
            expect(error.hint).toContain(`getent passwd ${user}`)
          }
        }
      })
    }
  },
)
