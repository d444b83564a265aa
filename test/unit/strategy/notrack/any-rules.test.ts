/** Whatever rules a host has: a plan that is not blocked cuts nobody off, opens nothing, and untracks its flows both ways. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare, opened, welcome } from '../../../../src/firewall/compare.ts'
import type { Connection } from '../../../../src/firewall/connection.ts'
import { type Packet, waysOf } from '../../../../src/firewall/packet.ts'
import { readRuleset } from '../../../../src/firewall/read.ts'
import { applyToFacts, makePlan } from '../../../../src/plan/plan.ts'
import { notrack } from '../../../../src/strategy/notrack/notrack.ts'
import { file, makeFacts } from '../../../support/facts.ts'
import { rulesetOf, source } from '../../firewall/samples.ts'

const CLIENTS = ['198.51.100.7', '10.1.2.3', '203.0.113.9']
const HOST = '192.0.2.5'
const LOOPBACK = '127.0.0.1'
const PORTS = [22, 53, 80, 81, 443, 8080, 8085, 50_051]
const PATH = { clientAddress: '198.51.100.7', clientPort: 50_022, serverAddress: HOST, serverPort: 22 }

const from = fc.constantFrom(
  '',
  '-s 10.0.0.0/8',
  '-s 10.1.0.0/16',
  '! -s 10.0.0.0/8',
  '-s 198.51.100.7/32',
  '-m set --match-set friends src',
)
const port = (side: 's' | 'd') =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    fc.constantFrom(...PORTS).map(number => `-p tcp -m tcp --${side}port ${number}`),
    fc.constantFrom(...PORTS).map(number => `-p udp -m udp --${side}port ${number}`),
    fc.constantFrom('80,443', '22,80', '1:1023', '8080:8085').map(list => `-p tcp -m multiport --${side}ports ${list}`),
    fc.constant(`-p tcp -m multiport ! --${side}ports 22,80`),
    fc.constant(`-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN`),
    fc.constantFrom('-p icmp', '-p icmp -m icmp --icmp-type 3', '-i lo'),
  )
const state = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  fc
    .record({
      not: fc.constantFrom('', '', '! '),
      match: fc.constantFrom('conntrack', 'state'),
      of: fc.constantFrom(
        'NEW',
        'ESTABLISHED',
        'RELATED,ESTABLISHED',
        'INVALID',
        'NEW,ESTABLISHED',
        'UNTRACKED',
        'INVALID,UNTRACKED',
      ),
    })
    .map(({ not, match, of }) => `-m ${match} ${not}--${match === 'state' ? 'state' : 'ctstate'} ${of}`),
)
const limit = fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constant('-m limit --limit 3/sec'))
const target = fc.oneof(
  { weight: 5, arbitrary: fc.constant('ACCEPT') },
  fc.constantFrom('DROP', 'REJECT', 'RETURN', 'LOG'),
)

const rule = (chain: string, side: 's' | 'd', ...more: readonly string[]) =>
  fc
    .tuple(
      side === 'd' ? from : fc.constant(''),
      port(side),
      state,
      limit,
      fc.oneof(target, fc.constantFrom('ACCEPT', ...more)),
    )
    .map(words => `-A ${chain} ${[...words.slice(0, -1), `-j ${words.at(-1)}`].filter(word => word !== '').join(' ')}`)

const rules = (chain: string, side: 's' | 'd', most: number, ...more: readonly string[]) =>
  fc.array(rule(chain, side, ...more), { maxLength: most })

/** A way in that many hosts have, so that not every rule set is one that nobody could have logged in by. */
const USUAL = [
  '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
]

const RAW = [
  '',
  '',
  '-A PREROUTING -s 10.0.0.0/8 -j DROP',
  '-A PREROUTING -p udp -j ACCEPT',
  '-A PREROUTING -p tcp -m tcp --dport 443 -j NOTRACK',
]

const saves = fc
  .record({
    policies: fc.tuple(
      fc.constantFrom('ACCEPT', 'DROP', 'DROP'),
      fc.constantFrom('ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP'),
    ),
    usual: fc.subarray(USUAL, { minLength: 1 }),
    input: rules('INPUT', 'd', 6, 'MINE'),
    mine: rules('MINE', 'd', 3),
    output: rules('OUTPUT', 's', 2),
    raw: fc.array(fc.constantFrom(...RAW), { maxLength: 2 }),
  })
  .map(
    ({ policies, usual, input, mine, output, raw }) => `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${raw.map(line => line && `${line}\n`).join('')}COMMIT
*filter
:INPUT ${policies[0]} [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ${policies[1]} [0:0]
:MINE - [0:0]
${[...usual, ...input, ...mine, ...output].map(line => `${line}\n`).join('')}COMMIT
`,
  )

const wishes = fc.record({
  tcp: fc.subarray([80, '81:100', 443, '8080:8090'], { minLength: 1 }),
  udp: fc.constantFrom<number[]>([], [53]),
  peers: fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    fc.subarray(['10.0.0.0/8', '198.51.100.7'], { minLength: 1 }),
  ),
  local_out: fc.constantFrom(false, false, false, true),
  all: fc.constantFrom(false, false, false, true),
})

const backends = fc.constantFrom('iptables-legacy' as const, 'iptables-nft' as const)

function plan(save: string, options: Readonly<Record<string, unknown>>, backend: 'iptables-legacy' | 'iptables-nft') {
  const facts = makeFacts({
    firewall: { owner: 'netfilter-persistent', backend, mixed: false },
    directories: ['/etc/iptables'],
    files: [file('/etc/iptables/rules.v4', save)],
    ruleset: rulesetOf(source(save, { backend })),
    managementPath: PATH,
    ipv6: false,
  })
  const made = makePlan('h', { steps: [{ strategy: notrack, options }], force: false }, facts)
  const after = applyToFacts(facts, made.changes)
  if (!facts.ruleset || !after.ruleset) throw new TypeError('no rules')
  return { made, facts, after, now: readRuleset(facts.ruleset), later: readRuleset(after.ruleset) }
}

const connections = [...CLIENTS, LOOPBACK].flatMap(address =>
  PORTS.flatMap(number =>
    (['tcp', 'udp'] as const).flatMap(protocol =>
      (['new', 'open'] as const).map(
        (kind): Connection => ({
          ...{ family: 4, protocol, kind },
          client: { address, port: 50_022 },
          server: { address: address === LOOPBACK ? LOOPBACK : HOST, port: number },
        }),
      ),
    ),
  ),
)

describe('any rules', () => {
  it('neither cut anybody off nor let anybody in, and the flows are untracked both ways', () => {
    let planned = 0
    fc.assert(
      fc.property(saves, wishes, backends, (save, options, backend) => {
        const { made, now, later } = plan(save, options, backend)
        if (made.blockers.length > 0) return
        planned += 1
        for (const connection of connections) {
          const what = JSON.stringify(connection)
          // Who is let in by nothing has no connection that could be open, but for the one we came by.
          const others = welcome(now, connection)
          const { protocol, server, client } = connection
          const isOurs = protocol === 'tcp' && server.port === 22 && client.address === PATH.clientAddress
          if (connection.kind === 'open' && others.length === 0 && !isOurs) continue
          expect(compare(now, later, connection, isOurs ? [] : others), what).toEqual({ is: 'none' })
          // What the host asks of itself is let in where all that it begins is untracked, and so is what may be an answer
          // of the peers where everything is.
          const mayBeAnswer = protocol === 'udp' && options.peers.length > 0 && server.port >= 1024
          const begins = options.all || options.local_out
          const isMeant = (begins && client.address === LOOPBACK) || (options.all && mayBeAnswer)
          if (connection.kind === 'new' && !isMeant) expect(opened(now, later, connection), what).toBeNull()
        }
        for (const packet of packetsOf(options)) {
          const ways = waysOf(later, packet).filter(({ end }) => end === 'accepted')
          expect(
            ways.every(({ untracked }) => untracked),
            JSON.stringify(packet),
          ).toBe(true)
        }
      }),
      { numRuns: RUNS },
    )
    expect(planned).toBeGreaterThan(RUNS / 10)
  }, 60_000)

  it('are found as the plan left them', () => {
    fc.assert(
      fc.property(saves, wishes, backends, (save, options, backend) => {
        const { made, after } = plan(save, options, backend)
        if (made.blockers.length > 0) return
        const again = makePlan('h', { steps: [{ strategy: notrack, options }], force: false }, after)
        expect(again.changes).toEqual([])
        expect(again.blockers).toEqual([])
      }),
      { numRuns: RUNS },
    )
  }, 60_000)
})

const RUNS = 200

function packetsOf({ tcp, udp, peers }: { tcp: (number | string)[]; udp: number[]; peers: string[] }): Packet[] {
  const ports = (list: readonly (number | string)[]): number[] => list.map(word => Number(String(word).split(':')[0]))
  const clients =
    peers.length > 0 ? CLIENTS.filter(address => peers.some(peer => address.startsWith(peer.slice(0, 3)))) : CLIENTS
  return (['tcp', 'udp'] as const).flatMap(protocol =>
    ports(protocol === 'tcp' ? tcp : udp).flatMap(number =>
      clients.flatMap((client): Packet[] => {
        const about = { family: 4, protocol, tcpFlags: 'other', state: 'new' } as const
        return [
          { ...about, direction: 'in', source: client, sourcePort: 50_022, destination: HOST, destinationPort: number },
          {
            ...about,
            direction: 'out',
            source: HOST,
            sourcePort: number,
            destination: client,
            destinationPort: 50_022,
          },
        ]
      }),
    ),
  )
}
