/** Every playbook that is shipped, applied as it stands to made-up hosts. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import type { FakeHost } from '../simulated/debian.ts'
import { RULES } from '../simulated/tools.ts'
import { asRoot, onFleet } from './stage.ts'

interface Case {
  /** Makes the host one for which the playbook is meant. */
  readonly prepare?: (host: FakeHost) => void
  /** What the first host is called. */
  readonly first?: string
  readonly flags?: readonly string[]
  /** What is different on the host afterwards. */
  readonly shows: (host: FakeHost, first: boolean) => void
}

const rules = (host: FakeHost): string => host.read(RULES[4])
const value = (host: FakeHost, name: string): number =>
  Number(host.read(`/proc/sys/net/netfilter/nf_conntrack_${name}`))
const roomier = (host: FakeHost): void => expect(value(host, 'max')).toBeGreaterThan(600)
const sooner = (host: FakeHost): void => expect(value(host, 'tcp_timeout_established')).toBe(7440)
/** Untracked on the way in, and in the file that boot reads. */
const untracks =
  (ports: RegExp) =>
  (host: FakeHost): void => {
    for (const text of [rules(host), host.read('/etc/iptables/rules.v4')]) {
      const untracking = text.split('\n').filter(line => /-j (CT --notrack|NOTRACK)/.test(line))
      expect(untracking.join('\n')).toMatch(ports)
    }
  }

const NO_RULES = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
/** Everything after it is accepted, too, so it decides nothing. */
const STRAY = NO_RULES.replace('COMMIT', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT')

const CASES: Readonly<Record<string, Case>> = {
  'blacklist.yaml': {
    // This host's modprobe has no dry run, so nobody can tell whether it follows install lines.
    flags: ['--force'],
    prepare(host) {
      host.put(RULES[4], NO_RULES)
      host.put('/etc/resolv.conf', 'nameserver 192.0.2.53\n')
      host.put('/lib/modules/6.1.0-50-cloud-amd64/modules.dep', 'kernel/net/netfilter/nf_conntrack.ko:\n')
    },
    shows: host =>
      expect(host.read('/etc/modprobe.d/00-ctfix-blacklist.conf')).toContain('install nf_conntrack /bin/false'),
  },
  'fleet-in-batches.yaml': {
    flags: ['--bake', '1s'],
    shows(host) {
      roomier(host)
      sooner(host)
    },
  },
  'notrack-all.yaml': { flags: ['--force'], shows: untracks(/-A CTFIX-PRE -j CT --notrack/) },
  'notrack-cache.yaml': { shows: untracks(/-A CTFIX-PRE -s 192\.168\.10\.1\/32 -p tcp .*11211/) },
  'notrack-dns.yaml': { shows: untracks(/-A CTFIX-PRE -p udp .*--dports? 53/) },
  'notrack-ftp-passive.yaml': { shows: untracks(/-A CTFIX-PRE -p tcp .*60000:60100/) },
  'notrack-local-out.yaml': { shows: untracks(/-A CTFIX-OUT /) },
  'notrack-web.yaml': { shows: untracks(/-A CTFIX-PRE -p tcp .*80,443/) },
  'raise-and-timeouts.yaml': {
    shows(host) {
      roomier(host)
      sooner(host)
    },
  },
  'raise.yaml': { shows: roomier },
  'tiers.yaml': {
    first: 'web-1',
    shows: (host, first) => (first ? untracks(/-A CTFIX-PRE -p tcp .*80,443/)(host) : roomier(host)),
  },
  'timeouts.yaml': { shows: sooner },
  'untrigger.yaml': {
    prepare(host) {
      for (const path of [RULES[4], '/etc/iptables/rules.v4']) host.put(path, STRAY)
    },
    shows(host) {
      for (const path of [RULES[4], '/etc/iptables/rules.v4']) expect(host.read(path)).not.toContain('ctstate')
    },
  },
}

asRoot.concurrent('playbooks', () => {
  test('each has a case here', () => {
    expect(
      globSync('playbooks/*.yaml')
        .map(file => basename(file))
        .toSorted(),
    ).toEqual(Object.keys(CASES))
  })

  test.for(Object.entries(CASES))('%s', async ([name, { prepare, first = 'sim-1', flags = [], shows }]) => {
    await onFleet(2, async ({ hosts, product }) => {
      for (const host of hosts) prepare?.(host)
      writeFileSync(product.inventory, readFileSync(product.inventory, 'utf8').replace('sim-1:', `${first}:`))
      const words = ['apply', '--playbook', `playbooks/${name}`, '--yes', '--window', '1s', ...flags]
      const { result, document } = await product.json(words)
      const told = JSON.stringify(
        document.hosts.map(({ status, blockers, warnings, error }) => [status, blockers, warnings, error]),
        null,
        1,
      )
      expect(
        document.hosts.map(host => `${host.name} ${host.status}`),
        told,
      ).toEqual([`${first} changed`, 'sim-2 changed'])
      expect(result.exitCode).toBe(0)
      for (const [i, host] of hosts.entries()) shows(host, i === 0)
      expect(result.stderr).toMatch(/^(2 batches over 2 hosts: |.*: one batch over 1 host: 1)/)
    })
  })
})
