/** The command that a diagnosis prints does what it says when it is typed. */
import { expect, it } from 'vitest'
import { applyLine } from '../../../src/cli/apply-line.ts'
import type { SharedOptions } from '../../../src/cli/options.ts'
import type { Diagnosis } from '../../../src/diagnose/diagnose.ts'

const ASKED: SharedOptions = {
  ...{ inventory: ['hosts.yaml'], becomeMethod: 'sudo', knownHosts: [], forks: 50, connectTimeout: 60 },
  ...{ output: 'human', color: false },
}
const RAISE = { strategy: 'raise', options: { max: 262_144, buckets: 'auto', headroom: 2, lower: false } }
const found = (...steps: Diagnosis['recommendation']['steps']): Diagnosis => ({
  findings: [],
  recommendation: { steps, why: 'full', plan: null },
})

it('has what is not as it is anyway', () => {
  expect(applyLine(ASKED, 3)(['web-1', 'web-2'], found(RAISE))).toBe(
    'ctfix apply -i hosts.yaml --limit web-1,web-2 --strategy raise --set max=262144',
  )
})

it('gets into the hosts, and becomes root there, as the diagnosis did', () => {
  const options: SharedOptions = {
    ...ASKED,
    ...{ user: 'ops', become: true, becomeMethod: 'doas', askBecomePass: true, jump: 'bastion', sshConfig: 'my conf' },
    ...{ privateKey: 'key', knownHosts: ['known'], hostKey: 'accept-new', transport: 'openssh', askPass: true },
    ...{ vaultId: ['prod@pass'], askVaultPass: true, playbookDir: 'plays', becomePasswordFile: 'pw' },
    extraVars: ['ansible_port=2222', '@more.yml'],
  }
  expect(applyLine(options, 3)(['web-1'], found(RAISE))).toBe(
    'ctfix apply -i hosts.yaml --playbook-dir plays -e ansible_port=2222 -e @more.yml --vault-id prod@pass --ask-vault-pass -u ops -k --private-key key ' +
      '-b --become-method doas -K --become-password-file pw --known-hosts known --host-key accept-new -J bastion ' +
      "-F 'my conf' --transport openssh --limit web-1 --strategy raise --set max=262144",
  )
})

it('names no host of hundreds where they are all that were asked: who was asked is said as it was', () => {
  const hosts = Array.from({ length: 300 }, (_, i) => `web-${i}`)
  const all = 'ctfix apply -i hosts.yaml --strategy raise --set max=262144'
  expect(applyLine(ASKED, 300)(hosts, found(RAISE))).toBe(all)
  expect(applyLine({ ...ASKED, limit: 'web:!db' }, 300)(hosts, found(RAISE))).toBe(
    all.replace(' --strategy', " --limit 'web:!db' --strategy"),
  )
  expect(applyLine(ASKED, 301)(hosts, found(RAISE))).toContain(' --limit web-0,web-1,')
  // Of a few the names say more.
  expect(applyLine(ASKED, 1)(['web-1'], found(RAISE))).toContain(' --limit web-1 ')
})
