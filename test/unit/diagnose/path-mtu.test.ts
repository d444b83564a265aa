/** Which rules drop the errors by which a sender learns that its packets are too large. */
import { expect, test } from 'vitest'
import { pathMtu } from '../../../src/diagnose/rules/path-mtu.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { but, calm } from './hosts.ts'

const [EST, REL] = [
  '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
]
const INVALID = '-A INPUT -m conntrack --ctstate INVALID -j DROP'
const ICMP = '-A INPUT -p icmp -j ACCEPT'
const PING = '-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT'
const WEB = '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'
const TCP_80 = '-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack'

function found(raw: readonly string[], input: readonly string[], { six = false, ipv6 = true } = {}): string {
  const text = [
    ...['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...raw, 'COMMIT'],
    ...['*filter', ':INPUT DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...input, 'COMMIT', ''],
  ].join('\n')
  const source = { backend: 'iptables-legacy', format: 'save', family: six ? 6 : 4, text } as const
  const facts: Facts = but(calm, { ipv6, ruleset: { complete: true, sources: [source] } })
  const finding = pathMtu(facts)
  return finding ? `${finding.title}: ${finding.evidence.join()}` : ''
}

test.for<[string, readonly string[], readonly string[]]>([
  ['everything is tracked', [], [REL, INVALID, ICMP, WEB]],
  ['errors are let in first', [TCP_80], [REL, ICMP, INVALID, WEB]],
  ['errors are untracked, too', [TCP_80, '-A PREROUTING -p icmp -j CT --notrack'], [REL, INVALID, ICMP, WEB]],
  ['only DNS is untracked', ['-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack'], [REL, INVALID, ICMP, WEB]],
  ['only loopback is untracked', ['-A PREROUTING -i lo -j CT --notrack'], [REL, INVALID, ICMP, WEB]],
  ['only SYNs are untracked', [TCP_80.replace('80', '80 --syn')], [REL, INVALID, ICMP, WEB]],
  ['nothing comes in at all', [], []],
  ['who is let in nobody can say', [], ['-A INPUT -m set --match-set friends src -j ACCEPT']],
])('no hole: %s', ([, raw, input]) => {
  expect(found(raw, input)).toBe('')
})

test('untracked flows lose theirs to the rule that drops INVALID', () => {
  expect(found([TCP_80], [REL, INVALID, ICMP, WEB])).toMatch(/of untracked flows.*--dport 80.*INVALID -j DROP/)
})

test('where only echo is let in all flows lose theirs', () => {
  expect(found([], [EST, PING])).toMatch(/^large transfers stall.*policy DROP.*drops fragmentation-needed/)
  expect(found([], [PING, WEB])).toMatch(/^large transfers stall/)
})

test('a family that is shut, or that nobody has, is none', () => {
  expect(found([], [EST], { six: true })).toMatch(/IPv6/)
  expect(found([], [EST], { six: true, ipv6: false })).toBe('')
  expect(found([], [], { six: true })).toBe('')
})
