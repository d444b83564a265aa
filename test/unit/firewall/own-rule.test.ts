import { describe, expect, it } from 'vitest'
import { networkText, parseNetwork } from '../../../src/firewall/address.ts'
import type { PortRange } from '../../../src/firewall/match.ts'
import { iptablesWords, type OwnRule, type Spelling } from '../../../src/firewall/own-rule.ts'
import { nftRule } from '../../../src/firewall/own-rule-nft.ts'
import { joinWords } from '../../../src/firewall/words.ts'

const V4: Spelling = { family: 4, stateMatch: 'conntrack' }
const V6: Spelling = { family: 6, stateMatch: 'conntrack' }
const one = (port: number): PortRange => ({ from: port, to: port })
const tcp = (parts: Partial<OwnRule>): OwnRule => ({ protocol: 'tcp', does: 'notrack', ...parts })

function words(rule: OwnRule, spelling = V4): string[] {
  return iptablesWords(rule, spelling).map(joinWords)
}

describe('a rule of ours in the words of iptables', () => {
  it.each<[what: string, rule: OwnRule, spelling: Spelling, lines: string[]]>([
    ['a port', tcp({ toPorts: [one(80)] }), V4, ['-p tcp -m tcp --dport 80 -j CT --notrack']],
    ['a range', tcp({ fromPorts: [{ from: 1, to: 9 }] }), V4, ['-p tcp -m tcp --sport 1:9 -j CT --notrack']],
    [
      'ends and ports of both sides',
      {
        protocol: 'udp',
        from: '192.0.2.1',
        to: '10.0.0.0/8',
        fromPorts: [one(53)],
        toPorts: [{ from: 1024, to: 65_535 }],
        does: 'accept',
      },
      V4,
      ['-s 192.0.2.1/32 -d 10.0.0.0/8 -p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT'],
    ],
    [
      'IPv6',
      tcp({ to: '2001:db8::1', toPorts: [one(80)] }),
      V6,
      ['-d 2001:db8::1/128 -p tcp -m tcp --dport 80 -j CT --notrack'],
    ],
    [
      'several ports, and one of the other side',
      tcp({ toPorts: [one(80), one(443)], fromPorts: [one(5)] }),
      V4,
      ['-p tcp -m tcp --sport 5 -m multiport --dports 80,443 -j CT --notrack'],
    ],
    ['both ways of lo', { protocol: null, loopback: 'out', does: 'notrack' }, V4, ['-o lo -j CT --notrack']],
    [
      'this machine',
      tcp({ toPorts: [one(80)], local: true }),
      V4,
      ['-p tcp -m tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack'],
    ],
    [
      'answers',
      tcp({ answers: true, states: ['untracked'], does: 'accept' }),
      V4,
      ['-p tcp -m tcp ! --tcp-flags SYN,RST,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT'],
    ],
    ['a protocol alone', tcp({}), V4, ['-p tcp -j CT --notrack']],
    ['what 2.6.18 has for it', tcp({}), { family: 4, stateMatch: 'state' }, ['-p tcp -j NOTRACK']],
    [
      'types of ICMP, a rule each',
      { protocol: 'icmp', icmpTypes: [3, 11], states: ['invalid', 'untracked'], does: 'accept' },
      V4,
      [3, 11].map(type => `-p icmp -m icmp --icmp-type ${type} -m conntrack --ctstate INVALID,UNTRACKED -j ACCEPT`),
    ],
    [
      'those of IPv6',
      { protocol: 'icmp', icmpTypes: [2], does: 'notrack' },
      V6,
      ['-p ipv6-icmp -m icmp6 --icmpv6-type 2 -j CT --notrack'],
    ],
    [
      'the state match',
      tcp({ states: ['untracked'], does: 'accept' }),
      { family: 4, stateMatch: 'state' },
      ['-p tcp -m state --state UNTRACKED -j ACCEPT'],
    ],
  ])('%s', (_what, rule, spelling, lines) => {
    expect(words(rule, spelling)).toEqual(lines)
  })

  it('names fifteen ports at most in one match, and a range is two of them', () => {
    const chunks = (ports: readonly PortRange[]): string[] =>
      words(tcp({ toPorts: ports })).map(line => /--dports? (\S+)/.exec(line)?.[1] ?? '')
    const singles = Array.from({ length: 16 }, (_, i) => one(2 * i + 1))
    expect(chunks(singles.slice(0, 15))).toHaveLength(1)
    expect(chunks(singles)).toEqual([expect.stringMatching(/^1,.*,29$/), '31'])
    const ranges = Array.from({ length: 8 }, (_, i) => ({ from: 10 * i + 1, to: 10 * i + 5 }))
    expect(chunks(ranges).map(list => list.split(',').length)).toEqual([7, 1])
    expect(chunks([...singles.slice(0, 14), { from: 100, to: 200 }]).map(list => list.split(',').length)).toEqual([
      14, 1,
    ])
  })
})

describe('a rule of ours in the words of nft', () => {
  it.each<[what: string, rule: OwnRule, family: 4 | 6 | null, text: string]>([
    ['both families', tcp({ toPorts: [one(80)] }), null, 'tcp dport 80 counter notrack'],
    ['one family', tcp({ toPorts: [one(80)] }), 6, 'meta nfproto ipv6 tcp dport 80 counter notrack'],
    [
      'addresses, which say the family',
      tcp({ from: '10.0.0.0/8', toPorts: [one(80)] }),
      4,
      'ip saddr 10.0.0.0/8 tcp dport 80 counter notrack',
    ],
    ['a protocol alone', { protocol: 'udp', does: 'accept' }, null, 'meta l4proto udp counter accept'],
    [
      'types in the order of their numbers',
      { protocol: 'icmp', icmpTypes: [129, 1], does: 'notrack' },
      6,
      'icmpv6 type { destination-unreachable, echo-reply } counter notrack',
    ],
    ['single ports as they are', tcp({ toPorts: [one(7), one(8)] }), null, 'tcp dport { 7, 8 } counter notrack'],
    [
      'neighbours of a range joined',
      tcp({ toPorts: [one(7), { from: 8, to: 9 }, one(11)] }),
      null,
      'tcp dport { 7-9, 11 } counter notrack',
    ],
  ])('%s', (_what, rule, family, text) => {
    expect(nftRule(rule, family).text).toBe(text)
  })
})

it.each([
  ['10.1.2.3/255.0.0.0', '10.0.0.0/8'],
  ['192.0.2.9/32', '192.0.2.9'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:0:0:0:3:0', '1:0:2::3:0'],
  ['1:2:3:4:5:6:0:8', '1:2:3:4:5:6:0:8'],
  ['fe80:0:0::/10', 'fe80::/10'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['::/1', '::/1'],
])('%s is printed back as %s', (given, printed) => {
  const range = parseNetwork(given)
  expect(range && networkText(range)).toBe(printed)
})
