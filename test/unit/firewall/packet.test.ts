import { describe, expect, it } from 'vitest'
import type { RulesetText } from '../../../src/facts/facts.ts'
import { waysOfConnection } from '../../../src/firewall/connection.ts'
import { type Packet, walk } from '../../../src/firewall/packet.ts'
import { readRuleset } from '../../../src/firewall/read.ts'
import { CONTAINERS, DEBIAN, filter, nft, RHEL, raw, rulesetOf, source, UFW } from './samples.ts'

const SYN: Packet = {
  family: 4,
  protocol: 'tcp',
  direction: 'in',
  source: '198.51.100.7',
  sourcePort: 50022,
  destination: '192.0.2.5',
  destinationPort: 22,
  tcpFlags: 'syn',
  state: 'new',
}
const SYN6: Packet = { ...SYN, family: 6, source: '2001:db8::7', destination: '2001:db8::5' }
const OUT: Packet = {
  ...SYN,
  direction: 'out',
  source: '192.0.2.5',
  sourcePort: 22,
  destination: '198.51.100.7',
  destinationPort: 50022,
  tcpFlags: 'syn-ack',
  state: 'established',
}
const DATA: Packet = { ...SYN, tcpFlags: 'other', state: 'established' }
const to = (destinationPort: number): Packet => ({ ...SYN, destinationPort })
const udp = (destinationPort: number): Packet => ({ ...SYN, protocol: 'udp', tcpFlags: 'other', destinationPort })

/** `accepted`, or how it ends and by which line. */
function end(ruleset: RulesetText | string, packet: Packet): string {
  const answer = walk(readRuleset(typeof ruleset === 'string' ? rulesetOf(ruleset) : ruleset), packet)
  if (answer.is === 'accepted') return 'accepted'
  return answer.is === 'dropped' ? `dropped: ${answer.by.line}` : `unknown: ${answer.because.line}`
}

const NOTRACK_IN = 'PREROUTING -p tcp -m tcp --dport 22 -j CT --notrack'
const ACCEPT_22 = 'INPUT -p tcp -m tcp --dport 22 -j ACCEPT'

const CASES: readonly (readonly [what: string, rules: RulesetText | string, packet: Packet, end: string])[] = [
  ['nothing at all', rulesetOf(), SYN, 'accepted'],
  ['empty tables', filter('ACCEPT') + raw(), SYN, 'accepted'],
  ['a policy', filter('DROP'), SYN, 'dropped: policy DROP'],
  ['a policy of another direction', filter('DROP'), OUT, 'accepted'],
  ['the port', filter('DROP', ACCEPT_22), SYN, 'accepted'],
  ['another port', filter('DROP', ACCEPT_22), to(23), 'dropped: policy DROP'],
  ['another protocol', filter('DROP', ACCEPT_22), udp(22), 'dropped: policy DROP'],
  ['the other family', filter('DROP'), SYN6, 'accepted'],
  [
    'the first rule that fits',
    filter('ACCEPT', 'INPUT -s 198.51.100.0/24 -j DROP', ACCEPT_22),
    SYN,
    'dropped: -A INPUT -s 198.51.100.0/24 -j DROP',
  ],
  ['not from there', filter('DROP', 'INPUT ! -s 10.0.0.0/8 -j ACCEPT'), SYN, 'accepted'],
  ['not from here', filter('DROP', 'INPUT ! -s 198.51.100.0/24 -j ACCEPT'), SYN, 'dropped: policy DROP'],
  [
    'a range of addresses',
    filter('DROP', 'INPUT -m iprange --src-range 198.51.100.1-198.51.100.9 -j ACCEPT'),
    SYN,
    'accepted',
  ],
  [
    'many ports and ranges',
    filter('DROP', 'INPUT -p tcp -m multiport --dports 80,8000:8100,22 -j ACCEPT'),
    to(8050),
    'accepted',
  ],
  [
    'none of many ports',
    filter('ACCEPT', 'INPUT -p tcp -m multiport ! --dports 80,22 -j REJECT'),
    to(81),
    'dropped: -A INPUT -p tcp -m multiport ! --dports 80,22 -j REJECT',
  ],
  ['any of both ports', filter('DROP', 'INPUT -p tcp -m multiport --ports 50022 -j ACCEPT'), SYN, 'accepted'],
  ['an open range of ports', filter('DROP', 'INPUT -p tcp -m tcp --sport 1024: -j ACCEPT'), SYN, 'accepted'],
  [
    'the first packet',
    filter('DROP', 'INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT'),
    SYN,
    'accepted',
  ],
  [
    'no first packet',
    filter('DROP', 'INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT'),
    DATA,
    'dropped: policy DROP',
  ],
  ['any but a first packet', filter('DROP', 'INPUT -p tcp -m tcp ! --syn -j ACCEPT'), DATA, 'accepted'],
  ['all flags there are', filter('ACCEPT', 'INPUT -p tcp -m tcp --tcp-flags ALL NONE -j DROP'), SYN, 'accepted'],
  ['the state', DEBIAN, SYN, 'accepted'],
  [
    'a state that it is not',
    DEBIAN,
    { ...SYN, state: 'invalid' },
    'dropped: -A INPUT -m conntrack --ctstate INVALID -j DROP',
  ],
  ['an open connection', DEBIAN, { ...DATA, destinationPort: 4711 }, 'accepted'],
  ['old words for the same', RHEL, SYN, 'accepted'],
  [
    'old words for not',
    RHEL,
    { ...SYN, source: '203.0.113.9' },
    'dropped: -A RH-Firewall-1-INPUT -j REJECT --reject-with icmp-host-prohibited',
  ],
  ['untracked where NEW is asked for', raw(NOTRACK_IN) + DEBIAN, SYN, 'dropped: policy DROP'],
  ['untracked where ESTABLISHED is asked for', raw(NOTRACK_IN) + DEBIAN, DATA, 'dropped: policy DROP'],
  [
    'untracked on its way out',
    raw('OUTPUT -p tcp -m tcp --sport 22 -j NOTRACK') +
      filter('ACCEPT', 'OUTPUT -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP'),
    OUT,
    'dropped: -A OUTPUT -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP',
  ],
  [
    'untracked and asked for',
    raw(NOTRACK_IN) + filter('DROP', 'INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT'),
    SYN,
    'accepted',
  ],
  [
    'a negated state',
    raw(NOTRACK_IN) + filter('ACCEPT', 'INPUT -m state ! --state NEW -j DROP'),
    SYN,
    'dropped: -A INPUT -m state ! --state NEW -j DROP',
  ],
  ['untracked in another port', raw(NOTRACK_IN) + DEBIAN, to(80), 'accepted'],
  [
    'dropped before it is tracked',
    raw('PREROUTING -s 198.51.100.7/32 -j DROP'),
    SYN,
    'dropped: -A PREROUTING -s 198.51.100.7/32 -j DROP',
  ],
  ['accepted in raw only', raw('PREROUTING -j ACCEPT') + filter('DROP'), SYN, 'dropped: policy DROP'],
  [
    'goto comes back to the caller of its chain',
    `*filter\n:INPUT DROP [0:0]\n:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A INPUT -j ACCEPT\n-A A -g B\n-A A -j DROP\n-A B -s 10.0.0.0/8 -j DROP\nCOMMIT\n`,
    SYN,
    'accepted',
  ],
  [
    'goto from the first chain ends at its policy',
    `*filter\n:INPUT DROP [0:0]\n:B - [0:0]\n-A INPUT -g B\n-A INPUT -j ACCEPT\n-A B -s 10.0.0.0/8 -j DROP\nCOMMIT\n`,
    SYN,
    'dropped: policy DROP',
  ],
  [
    'return leaves the chain',
    `*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A A -p tcp -j RETURN\n-A A -j DROP\nCOMMIT\n`,
    SYN,
    'accepted',
  ],
  ['a loop', `*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A A -j A\nCOMMIT\n`, SYN, 'unknown: -A A -j A'],
  ['a chain that is not there', filter('ACCEPT', 'INPUT -j GONE'), SYN, 'unknown: -A INPUT -j GONE'],
  ['what does not decide', filter('ACCEPT', 'INPUT -m limit --limit 3/min -j LOG --log-prefix "x "'), SYN, 'accepted'],
  [
    'a limit that does',
    filter('DROP', 'INPUT -p tcp -m limit --limit 3/sec -j ACCEPT'),
    SYN,
    'unknown: -A INPUT -p tcp -m limit --limit 3/sec -j ACCEPT',
  ],
  ['a limit before the same end', filter('DROP', 'INPUT -m limit --limit 3/sec -j ACCEPT', ACCEPT_22), SYN, 'accepted'],
  [
    'a set',
    filter('ACCEPT', 'INPUT -m set --match-set bad src -j DROP'),
    SYN,
    'unknown: -A INPUT -m set --match-set bad src -j DROP',
  ],
  [
    'a set that is asked twice',
    filter('DROP', 'INPUT -m set --match-set bad src -j ACCEPT', 'INPUT -m set ! --match-set bad src -j ACCEPT'),
    SYN,
    'accepted',
  ],
  [
    'an extension without options',
    filter('DROP', 'INPUT -m socket -j ACCEPT'),
    SYN,
    'unknown: -A INPUT -m socket -j ACCEPT',
  ],
  [
    'an unknown target',
    filter('ACCEPT', 'INPUT -p tcp -j NFQUEUE --queue-num 1'),
    SYN,
    'unknown: -A INPUT -p tcp -j NFQUEUE --queue-num 1',
  ],
  ['an unknown card', filter('DROP', 'INPUT -i eth1 -j ACCEPT'), SYN, 'unknown: -A INPUT -i eth1 -j ACCEPT'],
  ['not by loopback', filter('ACCEPT', 'INPUT -i lo -j DROP', 'INPUT -o eth0 -j DROP'), SYN, 'accepted'],
  [
    'by loopback',
    filter('DROP', 'INPUT -i lo -j ACCEPT'),
    { ...SYN, source: '127.0.0.1', destination: '127.0.0.1' },
    'accepted',
  ],
  ['any card', filter('DROP', 'INPUT -i + -j ACCEPT'), SYN, 'accepted'],
  ['fragments', filter('ACCEPT', 'INPUT -f -j DROP'), SYN, 'accepted'],
  [
    'v6',
    rulesetOf(source(filter('DROP', 'INPUT -s 2001:db8::/32 -p tcp -m tcp --dport 22 -j ACCEPT'), { family: 6 })),
    SYN6,
    'accepted',
  ],
  [
    'v6 from elsewhere',
    rulesetOf(source(filter('DROP', 'INPUT -s fe80::/10 -j ACCEPT'), { family: 6 })),
    SYN6,
    'dropped: policy DROP',
  ],
  [
    'both backends: one accepts, one drops',
    rulesetOf(filter('ACCEPT'), source(filter('DROP'), { backend: 'iptables-nft' })),
    SYN,
    'dropped: policy DROP',
  ],
  [
    'ufw with a limit on the port',
    UFW,
    SYN,
    'unknown: -A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource -j ufw-user-limit',
  ],
  ['ufw, another port', UFW, to(80), 'accepted'],
  ['ufw, closed port', UFW, to(81), 'dropped: policy DROP'],
  ['ufw, an open connection', UFW, DATA, 'accepted'],
  [
    'containers: nat decides nothing, a mark may',
    CONTAINERS,
    SYN,
    'unknown: -A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP',
  ],
  ['firewalld', rulesetOf(nft('firewalld')), SYN, 'accepted'],
  ['firewalld: the catch-all', rulesetOf(nft('firewalld')), { ...to(81), state: 'untracked' }, 'dropped: reject'],
  [
    'firewalld: a zone',
    rulesetOf(nft('firewalld')),
    { ...SYN, source: '203.0.113.3', state: 'untracked' },
    'dropped: drop',
  ],
  ['firewalld: translated, or caught', rulesetOf(nft('firewalld')), to(81), 'unknown: ct status dnat accept'],
  ['firewalld: untracked is welcome', rulesetOf(raw(NOTRACK_IN), nft('firewalld')), SYN, 'accepted'],
  [
    'nft: a verdict map',
    rulesetOf(nft('inet-filter')),
    { ...SYN, state: 'invalid' },
    'dropped: ct state vmap { invalid : drop, established : accept, related : accept }',
  ],
  [
    'nft: addresses, ports and a state',
    rulesetOf(nft('inet-filter')),
    { ...SYN, source: '192.168.1.7' },
    'unknown: ip saddr @blocked drop',
  ],
  [
    'nft: a range of ports',
    rulesetOf(nft('inet-filter')),
    { ...SYN6, protocol: 'udp', tcpFlags: 'other', destinationPort: 1500 },
    'unknown: meta mark 1 accept',
  ],
  [
    'nft: notrack',
    rulesetOf(nft('inet-filter'), filter('ACCEPT', 'INPUT -m state --state UNTRACKED -j DROP')),
    { ...to(80), tcpFlags: 'other', state: 'established' },
    'dropped: -A INPUT -m state --state UNTRACKED -j DROP',
  ],
  ['iptables-nft seen by nft alone', rulesetOf(nft('iptables-nft')), SYN, 'accepted'],
  [
    'text that is not understood',
    { sources: [source('table x {', { backend: 'nft', family: null, format: 'text' })], complete: true },
    SYN,
    'unknown: rules that could not be read',
  ],
  ['rules that are missing', { sources: [], complete: false }, SYN, 'unknown: rules that could not be read'],
  [
    'json of another kind',
    rulesetOf(source('{"nftables": 1}', { backend: 'nft', family: null, format: 'json' })),
    SYN,
    'unknown: rules that could not be read',
  ],
  [
    'no json at all',
    rulesetOf(source('{"nftables"', { backend: 'nft', family: null, format: 'json' })),
    SYN,
    'unknown: rules that could not be read',
  ],
]

describe('a packet', () => {
  it.each(CASES)('meets %s', (_what, rules, packet, expected) => {
    expect(end(rules, packet)).toBe(expected)
  })

  it('is told by whole places: table and chain too', () => {
    const answer = walk(readRuleset(rulesetOf(filter('DROP'))), SYN)
    expect(answer).toEqual({
      is: 'dropped',
      by: { backend: 'iptables-legacy', family: 'ip', table: 'filter', chain: 'INPUT', line: 'policy DROP' },
    })
  })

  it('is followed no further than one can read', () => {
    const many = Array.from({ length: 600 }, (_, i) => `INPUT -m set --match-set s${i} src -j A${i % 2}`)
    const chains = ':A0 - [0:0]\n:A1 - [0:0]\n'
    const rules = ['A0 -m set --match-set x src -j ACCEPT', 'A1 -m set --match-set y src -j DROP']
    const text = filter('ACCEPT', ...many, ...rules)
      .replace('COMMIT', '')
      .replace(':INPUT', `${chains}:INPUT`)
    expect(end(`${text}COMMIT\n`, SYN)).toMatch(/^unknown: /)
  })

  it('is followed through chain after chain without every way of one meeting every way of the next', () => {
    const asks = (chain: string): string[] =>
      Array.from({ length: 60 }, (_, i) => `${chain} -m set --match-set ${chain}${i} src -j ACCEPT`)
    const text = raw(...asks('PREROUTING')) + filter('DROP', ...asks('INPUT'), ...asks('OUTPUT'))
    const client = { address: SYN.source, port: null }
    const server = { address: SYN.destination, port: 22 }
    const connection = { family: 4, protocol: 'tcp', kind: 'new', client, server } as const
    const ways = waysOfConnection(readRuleset(rulesetOf(text)), connection)
    expect(ways.length).toBeLessThan(1000)
    expect(ways.some(way => way.end === 'dropped')).toBe(true)
    expect(ways.some(way => way.end === 'accepted')).toBe(true)
  })
})
