/** Whose answers are tracked though the requests are not: by the packets, and not by the look of the rules. */
import { expect, test } from 'vitest'
import { oneWay } from '../../../src/diagnose/rules/one-way-notrack.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { but, calm } from './hosts.ts'

const RAW = ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]']
const [IN_80, OUT_80] = [
  '-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack',
  '-A OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack',
]
const BACK_80 = '-A PREROUTING -p tcp -m tcp --sport 80 -j NOTRACK'

/** Lines of the raw tables of both families. */
function raw(four: readonly string[], six: readonly string[] = []): Facts['ruleset'] {
  const sources = ([4, 6] as const).map(family => ({
    ...({ backend: 'iptables-legacy', format: 'save', family } as const),
    text: `${[...RAW, ...(family === 4 ? four : six), 'COMMIT'].join('\n')}\n`,
  }))
  return { complete: true, sources }
}

const found = (ruleset: Facts['ruleset'], ipv4 = false): readonly string[] =>
  oneWay(but(calm, { ruleset, forwarding: { ipv4, ipv6: false } }))?.evidence ?? []

test.for<[string, readonly string[]]>([
  ['both directions', [IN_80, OUT_80]],
  [
    'in a chain of its own',
    [':MINE - [0:0]', IN_80, '-A OUTPUT -j MINE', '-A MINE -p tcp -m tcp --sport 80 -j NOTRACK'],
  ],
  ['of a peer', ['-A PREROUTING -s 192.0.2.9/32 -j NOTRACK', '-A OUTPUT -d 192.0.2.9/32 -j NOTRACK']],
  ['of an address of ours', ['-A PREROUTING -d 192.0.2.9/32 -j NOTRACK', '-A OUTPUT -s 192.0.2.9/32 -j NOTRACK']],
  [
    'of several ports',
    [
      '-A PREROUTING -p tcp -m multiport --dports 80,443 -j NOTRACK',
      '-A OUTPUT -p tcp -m multiport --sports 80,443 -j NOTRACK',
    ],
  ],
  [
    'as client',
    ['-A OUTPUT -p tcp -m tcp --dport 443 -j NOTRACK', '-A PREROUTING -p tcp -m tcp --sport 443 -j NOTRACK'],
  ],
  ['by one card, and its answers by any', ['-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j NOTRACK', OUT_80]],
  [
    'to a tunnel, whose ends both send to its port',
    ['-A PREROUTING -p udp -m udp --dport 5555 -j NOTRACK', '-A OUTPUT -p udp -m udp --dport 5555 -j NOTRACK'],
  ],
  ['of logs, which nobody answers', ['-A PREROUTING -p udp -m udp --dport 514 -j NOTRACK']],
  ['of SYNs for SYNPROXY', ['-A PREROUTING -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j CT --notrack']],
  ['on loopback', ['-A OUTPUT -o lo -p tcp -m tcp --dport 80 -j NOTRACK', IN_80, OUT_80]],
  ['of errors', ['-A PREROUTING -p icmp -m icmp --icmp-type 3 -j NOTRACK']],
  ['to a group', ['-A OUTPUT -d 224.0.0.0/4 -j NOTRACK', '-A OUTPUT -d 239.1.1.1/32 -p udp -j NOTRACK']],
  ['that another rule lets by before', ['-A PREROUTING -p tcp -m tcp --dport 80 -j ACCEPT', IN_80]],
])('nothing one-sided: %s', ([, lines]) => {
  expect(found(raw(lines))).toEqual([])
})

test.for<[string, readonly string[], RegExp]>([
  ['requests only', [IN_80], /--dport 80/],
  ['answers, and all else that this host sends', [IN_80, '-A OUTPUT -p tcp -j NOTRACK'], /OUTPUT -p tcp/],
  ['answers only', [OUT_80], /--sport 80/],
  ['answers of another protocol', [IN_80, '-A OUTPUT -p udp -j NOTRACK'], /PREROUTING -p tcp/],
  ['answers of another port', [IN_80, '-A OUTPUT -p tcp -m tcp --dport 80 -j NOTRACK'], /PREROUTING/],
  [
    'answers of half of the ports',
    ['-A PREROUTING -p tcp -m multiport --dports 80,443 -j NOTRACK', OUT_80],
    /multiport/,
  ],
  ['as client, and no answers', ['-A OUTPUT -p tcp -m tcp --dport 443 -j NOTRACK'], /--dport 443/],
  ['all that comes', ['-A PREROUTING -p tcp -j NOTRACK'], /PREROUTING/],
  ['all that this host sends', ['-A OUTPUT -s 192.0.2.5/32 -j NOTRACK'], /192\.0\.2\.5/],
  ['questions to a resolver', ['-A PREROUTING -d 169.254.20.10/32 -p udp -m udp --dport 53 -j NOTRACK'], /169/],
  ['by one card', ['-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j NOTRACK'], /eth0/],
])('one-sided: %s', ([, lines, says]) => {
  expect(found(raw(lines)).join()).toMatch(says)
})

test('on a router answers come in by the same hook; elsewhere those are of other connections', () => {
  expect(found(raw([IN_80, BACK_80]), true)).toEqual([])
  expect(found(raw([IN_80, BACK_80]))).toHaveLength(2)
  expect(found(raw([IN_80]), true)).toHaveLength(1)
})

test('a port that a client might have chosen is still the service of who asks for it', () => {
  const high = (line: string): string => line.replace(' 80 ', ' 8080 ')
  expect(found(raw([high(IN_80)]), true)).toHaveLength(1)
  expect(found(raw([high(IN_80), high(BACK_80)]), true)).toEqual([])
  expect(found(raw([high(IN_80), '-A OUTPUT -p tcp -m tcp --sport 1024:65535 -j NOTRACK']))).toHaveLength(1)
})

test('a rule of one family does nothing for the other', () => {
  expect(found(raw([IN_80], [IN_80, OUT_80]))).toEqual([expect.stringContaining('of table ip raw')])
  expect(found(raw([IN_80], [OUT_80]))).toHaveLength(2)
  expect(found(raw([IN_80, OUT_80], [IN_80, OUT_80]))).toEqual([])
})
