/** Rules about states without them: nothing is left that needs tracking, nobody new gets in, and nobody is cut off. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare, opened } from '../../../src/firewall/compare.ts'
import type { Connection } from '../../../src/firewall/connection.ts'
import { type Packet, walk } from '../../../src/firewall/packet.ts'
import { readRuleset } from '../../../src/firewall/read.ts'
import { withoutRule, withRule } from '../../../src/firewall/rule-state.ts'
import { convertLive, lineOf } from '../../../src/strategy/blacklist/live.ts'
import { liveNeeds } from '../../../src/strategy/blacklist/needs.ts'
import { options } from '../../../src/strategy/blacklist/options.ts'
import { rulesIn } from '../../../src/strategy/blacklist/parts.ts'
import { convertSaved } from '../../../src/strategy/blacklist/saved.ts'
import { file, makeFacts } from '../../support/facts.ts'
import { filter, rulesetOf } from '../firewall/samples.ts'

const DECLARED = { servers: [{ address: '192.0.2.53', port: 53 }], passiveFtp: null }

/** The rules of a chain as `stateless` leaves them, and what it will not touch. */
function without(...rules: readonly string[]) {
  const ruleset = rulesetOf(filter('DROP', ...rules))
  const { changes, refused, ruleset: foreseen } = convertLive(ruleset, DECLARED)
  const after = changes.reduce((seen, { before, after: rule }) => {
    const less = before ? withoutRule(seen, before) : seen
    return rule ? withRule(less, rule) : less
  }, ruleset)
  const text = after.sources[0]?.text ?? ''
  expect(rulesIn(foreseen.sources[0]?.text ?? '').map(lineOf)).toEqual(rulesIn(text).map(lineOf))
  return { ruleset, after, refused, lines: rulesIn(text).map(rule => lineOf(rule).slice(3)) }
}

describe('one rule', () => {
  it.each([
    [
      'INPUT -p tcp -m state --state NEW,ESTABLISHED -m tcp --dport 22 -j ACCEPT',
      ['INPUT -p tcp -m tcp --dport 22 -j ACCEPT'],
    ],
    [
      'INPUT -p tcp -m tcp --sport 443 -m state --state ESTABLISHED -j ACCEPT',
      ['INPUT -p tcp -m tcp --sport 443 ! --tcp-flags SYN,RST,ACK SYN -j ACCEPT'],
    ],
    [
      'INPUT -p udp -m udp --sport 53 -m state --state ESTABLISHED -j ACCEPT',
      ['INPUT -s 192.0.2.53/32 -p udp -m udp --sport 53 -j ACCEPT'],
    ],
    ['INPUT -s 198.51.100.0/24 -p udp -m state --state ESTABLISHED -j ACCEPT', []],
    [
      'INPUT -s 192.0.2.0/24 -i eth0 -p udp -m state --state ESTABLISHED -j ACCEPT',
      ['INPUT -s 192.0.2.53/32 -i eth0 -p udp -m udp --sport 53 -j ACCEPT'],
    ],
    [
      'INPUT -p icmp -m state --state RELATED -j ACCEPT',
      [3, 11, 12].map(type => `INPUT -p icmp -m icmp --icmp-type ${type} -j ACCEPT`),
    ],
    ['INPUT -m state --state INVALID -j LOG --log-prefix "bad "', []],
    [
      'OUTPUT -p udp -m state --state ESTABLISHED -j ACCEPT',
      ['OUTPUT -d 192.0.2.53/32 -p udp -m udp --dport 53 -j ACCEPT'],
    ],
    [
      'INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT',
      ['INPUT -p tcp -m tcp --dport 80 -j ACCEPT'],
    ],
  ])('%s', (rule, expected) => {
    expect(without(rule)).toMatchObject({ refused: [], lines: expected })
  })

  it.each([
    'INPUT -m conntrack --ctstate ESTABLISHED --ctproto 6 -j ACCEPT',
    'INPUT -m conntrack ! --ctstate NEW -j ACCEPT',
    'INPUT -m state --state ! NEW -j ACCEPT',
    'INPUT -m state --state NEW -m conntrack --ctstate NEW -j ACCEPT',
    'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j OTHERS',
    'INPUT -p gre -m state --state ESTABLISHED -j ACCEPT',
    'INPUT ! -p tcp -m state --state ESTABLISHED -j ACCEPT',
    'INPUT -p udp -m udp --sport 161 -m state --state ESTABLISHED -j ACCEPT',
    'INPUT -p tcp -m state --state NEW -m limit --limit 3/min -j ACCEPT',
    'INPUT -p tcp -m tcp --tcp-flags SYN SYN -m state --state ESTABLISHED -j ACCEPT',
    'INPUT -m conntrack --ctstate DNAT -j ACCEPT',
    'INPUT -m connmark --mark 1 -j ACCEPT',
    'INPUT -m state --state UNTRACKED -j ACCEPT',
    'CTFIX-IN -p tcp -m conntrack --ctstate UNTRACKED -j ACCEPT',
  ])('%s is refused, and stays', rule => {
    const { refused, lines } = without(rule)
    expect(refused).toHaveLength(1)
    expect(lines).toEqual([rule])
  })

  it('is made once: what stands further down already is enough, unless a rule before it may drop packets', () => {
    const rule = 'INPUT -p tcp -m state --state NEW -m tcp --dport 80 -j ACCEPT'
    const plain = 'INPUT -p tcp --dport 80 -j ACCEPT'
    const [pass, ban] = ['INPUT -i lo -j ACCEPT', 'INPUT -s 203.0.113.9/32 -j DROP']
    expect(without(rule, ban, plain).refused).toHaveLength(1)
    expect(without(rule, pass, plain)).toMatchObject({ refused: [], lines: [pass, plain] })
    expect(without(plain, ban, rule)).toMatchObject({ refused: [], lines: [plain, ban] })
  })

  it('of rules that come to the same the first does, and equal ones all go', () => {
    const state = 'INPUT -p tcp -m state --state ESTABLISHED -j ACCEPT'
    const { lines, refused } = without(
      state,
      'INPUT -i lo -j ACCEPT',
      state,
      'INPUT -p tcp -m state --state RELATED,ESTABLISHED -j ACCEPT',
    )
    expect(refused).toEqual([])
    expect(lines).toEqual(['INPUT -p tcp -m tcp ! --tcp-flags SYN,RST,ACK SYN -j ACCEPT', 'INPUT -i lo -j ACCEPT'])
  })
})

it('a SYN with a FIN is none that belongs to a connection: old kernels open one by it', () => {
  const established = 'INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT'
  const { ruleset, after } = without(established, 'INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT')
  const packet = (tcpFlags: Packet['tcpFlags'], port: number, state: Packet['state'] = 'untracked'): Packet => ({
    ...{ family: 4, protocol: 'tcp', direction: 'in', tcpFlags, state },
    ...{ source: '198.51.100.7', sourcePort: null, destination: '192.0.2.5', destinationPort: port },
  })
  expect(walk(readRuleset(ruleset), packet('syn-fin', 9999, 'invalid')).is).toBe('dropped')
  const rules = readRuleset(after)
  for (const flags of ['syn', 'syn-fin'] as const) {
    expect(walk(rules, packet(flags, 9999)).is).toBe('dropped')
    expect(walk(rules, packet(flags, 22)).is).toBe('accepted')
  }
  expect(walk(rules, packet('other', 9999)).is).toBe('accepted')
})

const state = fc
  .subarray(['NEW', 'ESTABLISHED', 'RELATED'], { minLength: 1 })
  .map(states => `-m conntrack --ctstate ${states.join(',')} `)
const asked = fc.constantFrom(
  '',
  '-p tcp ',
  '-p tcp -m tcp --dport 22 ',
  '-p tcp -m multiport --dports 80,443 ',
  '-p udp -m udp --dport 53 ',
  '-s 198.51.100.0/24 ',
  '-i lo ',
  '-p icmp ',
)
const accept = fc
  .tuple(fc.constantFrom('INPUT', 'OUTPUT'), asked, fc.oneof(state, fc.constant('')))
  .map(([chain, words, of]) => `${chain} ${words}${of}-j ACCEPT`)
const other = fc.constantFrom(
  'INPUT -p tcp -m tcp --dport 80 -j DROP',
  'INPUT -m conntrack --ctstate INVALID -j DROP',
  'INPUT -s 203.0.113.9/32 -j DROP',
)
// With no way for answers a rule about NEW lets in a first packet and no connection.
const rules = fc
  .array(fc.oneof({ weight: 4, arbitrary: accept }, { weight: 1, arbitrary: other }), { maxLength: 8 })
  .map(list => ['INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', ...list])

const connections = (['tcp', 'udp'] as const).flatMap(protocol =>
  [22, 53, 80, 8080].map(
    (port): Connection => ({
      ...{ family: 4, protocol, kind: 'new' },
      client: { address: '198.51.100.7', port: null },
      server: { address: '192.0.2.5', port },
    }),
  ),
)

describe('any rules of the usual kind', () => {
  it('need no tracking afterwards; what gets in as new is the same, live and saved alike', () => {
    fc.assert(
      fc.property(rules, list => {
        const { ruleset, after, refused } = without(...list)
        fc.pre(refused.length === 0)
        expect(liveNeeds(after)).toEqual([])
        const [now, then] = [readRuleset(ruleset), readRuleset(after)]
        for (const connection of connections) {
          expect(compare(now, then, connection)).toEqual({ is: 'none' })
          // Of UDP nothing but tracking knows that an answer was asked for.
          if (connection.protocol === 'tcp') expect(opened(now, then, connection)).toBeNull()
        }
        const path = '/etc/iptables/rules.v4'
        const text = ruleset.sources[0]?.text ?? ''
        const facts = makeFacts({ ruleset, files: [file(path, text)] })
        const saved = convertSaved(facts, DECLARED).files[0]?.content ?? text
        const lines = (of: string): string[] => rulesIn(of).map(lineOf)
        expect(lines(saved)).toEqual(lines(after.sources[0]?.text ?? ''))
      }),
      { numRuns: 200 },
    )
  })
})

describe('options', () => {
  it.each([
    [{ stop_firewall: true, stateless: true }, 'expected stop_firewall or stateless'],
    [{ passive_ftp: '21' }, 'expected a range of ports'],
    [{ passive_ftp: '70000:70001' }, 'expected a range of ports'],
    [{ resolvers: ['ns.example.net'] }, 'expected addresses, got "ns.example.net"'],
  ])('%j are refused', (input, message) => {
    expect(options.safeParse(input).error?.issues[0]?.message).toContain(message)
  })

  it('are settled in words that decode to the same', () => {
    const decoded = options.parse({ resolvers: '192.0.2.53, 2001:db8:0::53', passive_ftp: '60000-60100' })
    expect(decoded).toMatchObject({ resolvers: ['192.0.2.53', '2001:db8::53'], passive_ftp: '60000:60100' })
    expect(options.parse(decoded)).toEqual(decoded)
  })
})
