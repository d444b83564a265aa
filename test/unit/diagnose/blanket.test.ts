/** Who lets in everything untracked, wherever the rule that does so stands. */
import { expect, test } from 'vitest'
import { blanket } from '../../../src/diagnose/rules/blanket-untracked.ts'
import { but, calm, rules } from './hosts.ts'

const RAW = [
  '*raw',
  ':PREROUTING ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  '-A PREROUTING -p tcp -m tcp --sport 443 -j CT --notrack',
  '-A OUTPUT -p tcp -m tcp --dport 443 -j CT --notrack',
  'COMMIT',
]
const UNTRACKED = '-m state --state ESTABLISHED,RELATED,UNTRACKED -j ACCEPT'

test.for<[string, boolean, readonly string[]]>([
  ['in INPUT itself', true, [`-A INPUT ${UNTRACKED}`]],
  ['of one protocol', true, [`-A INPUT -p tcp ${UNTRACKED}`]],
  [
    'in a chain of its own, as CentOS 5 has it',
    true,
    [':RH-Firewall-1-INPUT - [0:0]', '-A INPUT -j RH-Firewall-1-INPUT', `-A RH-Firewall-1-INPUT ${UNTRACKED}`],
  ],
  ['of another protocol', false, [`-A INPUT -p udp ${UNTRACKED}`]],
  ['answers only', false, [`-A INPUT -p tcp -m tcp --sport 443 ! --syn ${UNTRACKED}`]],
  ['of one port of ours', false, [`-A INPUT -p tcp -m tcp --dport 8080 ${UNTRACKED}`]],
  ['of one card', true, [`-A INPUT -i eth0 ${UNTRACKED}`]],
  ['of cards by their names', true, [`-A INPUT -i eth+ -p tcp ${UNTRACKED}`]],
  ['of one network only', false, [`-A INPUT -s 10.0.0.0/8 ${UNTRACKED}`]],
  [
    'behind a rule that drops the port',
    false,
    ['-A INPUT -p tcp -m tcp --sport 443 --syn -j DROP', `-A INPUT ${UNTRACKED}`],
  ],
  ['nobody', false, ['-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT']],
])('%s: %s', ([, isOpen, filter]) => {
  const lines = [...RAW, '*filter', ':INPUT DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...filter, 'COMMIT']
  expect(blanket(but(calm, { ruleset: rules(...lines) }))?.code ?? null).toBe(isOpen ? 'blanket-untracked' : null)
})

const FILTER = ['*filter', ':INPUT DROP [0:0]', ':OUTPUT ACCEPT [0:0]', `-A INPUT ${UNTRACKED}`, 'COMMIT']

test('a rule of one family opens nothing in the other', () => {
  const both = (four: readonly string[], six: readonly string[]): string[] => {
    const sources = ([4, 6] as const).map(family => ({
      ...({ backend: 'iptables-legacy', format: 'save', family } as const),
      text: `${(family === 4 ? four : six).join('\n')}\n`,
    }))
    return [...(blanket(but(calm, { ruleset: { complete: true, sources } }))?.evidence ?? [])]
  }
  expect(both(RAW, FILTER)).toEqual([])
  expect(both([...RAW, ...FILTER], FILTER)).toEqual([expect.stringMatching(/^IPv4: .*from tcp 443 reaches every port/)])
  expect(both([], [...RAW, ...FILTER])).toEqual([expect.stringMatching(/^IPv6: /)])
})

test('whatever comes is untracked, and so let in; without a firewall nothing is opened by that', () => {
  const all = ['*raw', ':PREROUTING ACCEPT [0:0]', '-A PREROUTING -p tcp -j NOTRACK', 'COMMIT']
  const open = FILTER.map(line => line.replace('INPUT DROP', 'INPUT ACCEPT'))
  const closed3306 = open.map(line => line.replace('COMMIT', '-A INPUT -p tcp -m tcp --dport 3306 -j DROP\nCOMMIT'))
  const evidenceOf = (...lines: readonly string[]) => blanket(but(calm, { ruleset: rules(...lines) }))?.evidence ?? []
  expect(evidenceOf(...all, ...FILTER).join()).toMatch(/untracks whatever comes: whoever sends reaches every port/)
  expect(evidenceOf(...RAW, ...open)).toEqual([])
  expect(evidenceOf(...RAW, ...closed3306)).toHaveLength(1)
})

test('only where rules untrack by the port that a packet comes from', () => {
  const served = ['*raw', ':PREROUTING ACCEPT [0:0]', '-A PREROUTING -p tcp -m tcp --dport 80 -j NOTRACK', 'COMMIT']
  const peer = served.map(line => line.replace('--dport 80', '--sport 443').replace('-p tcp', '-s 192.0.2.9/32 -p tcp'))
  for (const raw of [served, peer]) expect(blanket(but(calm, { ruleset: rules(...raw, ...FILTER) }))).toBeNull()
})
