/**
 * What the owner's rules make of untracked packets, found by walking them: whether the flows must be let in by a rule of
 * ours, and how errors of ICMP about them can get through. No more is added than is needed.
 */
import { type Family, networkText, parseNetwork } from '../../firewall/address.ts'
import { among, compare, type Difference, opened, welcome } from '../../firewall/compare.ts'
import type { Connection } from '../../firewall/connection.ts'
import type { State } from '../../firewall/match.ts'
import type { OwnRule, Spelling } from '../../firewall/own-rule.ts'
import { type Answer, judge as answerOf, type Packet, walk, waysOf } from '../../firewall/packet.ts'
import { describePlace, type Ruleset } from '../../firewall/ruleset.ts'
import type { Blocker } from '../strategy.ts'
import type { Home } from './home.ts'
import type { Options } from './options.ts'
import { type FlowRules, ICMP_ERRORS, type IsAccepted, LOCAL_PORTS } from './rules.ts'
import { withSketch } from './sketch.ts'

export interface Decision {
  /** Our rules of this family, without what is not needed. */
  readonly rules: FlowRules
  readonly blockers: readonly Blocker[]
}

interface Scene {
  readonly now: Ruleset
  readonly home: Home
  readonly spelling: Spelling
}

/**
 * Decides for one family. `now` is the rule set without ours; `rulesFor` makes the rules, with accepts of these ports only;
 * `own` are packets of connections that the host begins.
 */
export function decide(
  scene: Scene,
  rulesFor: (accepted: IsAccepted) => FlowRules,
  connections: readonly Connection[],
  own: readonly Packet[],
): Decision {
  const { now } = scene
  const bare = { ...rulesFor(() => false), acceptIn: [], acceptOut: [] }
  const untracked = withSketch(now, scene.home, bare, scene.spelling)
  const isCut = (connection: Connection): boolean => difference(now, untracked, connection).is !== 'none'
  // A port that nobody is let in to stays closed: it needs no accept, and gets none.
  const cut = connections.filter(isCut)
  const needs = cut.length > 0 || own.some(packet => cutsOwn(now, untracked, packet).length > 0)
  const flows = rulesFor((protocol, { from, to }) =>
    cut.some(({ protocol: of, server: { port } }) => of === protocol && port >= from && port <= to),
  )
  const { rules, blockers } = withIcmp(scene, needs ? flows : bare, connections)
  const then = withSketch(now, scene.home, rules, scene.spelling)
  const judged = connections.flatMap(connection => judge(now, then, connection))
  return { rules, blockers: [...judged, ...own.flatMap(packet => cutsOwn(now, then, packet)).slice(0, 1), ...blockers] }
}

/** Of the connections that may be open only those of whom a new one is let in from: bans drop no more than they did. */
function difference(now: Ruleset, then: Ruleset, connection: Connection): Difference {
  const from = welcome(now, connection)
  // A port that nobody new is let in to has nobody's connections to lose.
  if (connection.kind === 'open' && from.length === 0) return { is: 'none' }
  return compare(now, then, connection, from)
}

/** What this host begins, and the answers to it. */
function cutsOwn(now: Ruleset, then: Ruleset, packet: Packet): Blocker[] {
  const answer = walk(then, packet)
  if (answer.is === 'accepted' || walk(now, packet).is !== 'accepted') return []
  const place = answer.is === 'dropped' ? answer.by : answer.because
  const what = packet.direction === 'out' ? 'what this host begins' : 'answers to what this host begins'
  const message = `untracked, ${what} over ${packet.protocol} and IPv${packet.family} would be dropped by ${describePlace(place)}`
  return [{ code: 'cuts-off-own', message, forceable: true }]
}

/** A service that is cut off, or one that is let in where it was kept out. */
function judge(now: Ruleset, then: Ruleset, connection: Connection): Blocker[] {
  const { family, protocol, server, kind } = connection
  const what = `${kind} IPv${family} connections to ${protocol} port ${server.port}`
  const found = difference(now, then, connection)
  if (found.is !== 'none') {
    const [who, place] = found.is === 'cut' ? ['', found.by] : ['some ', found.because]
    const message = `untracked, ${who}${what} would be dropped by ${describePlace(place)}: let the port in there first`
    return [{ code: 'cuts-off-service', message, forceable: true }]
  }
  const kept = kind === 'new' ? opened(now, then, connection) : null
  if (!kept) return []
  const message = `${what} that ${describePlace(kept)} keeps out now would be let in: name peers or addresses, or open the port there first`
  return [{ code: 'opens-port', message, forceable: true }]
}

/** The ways there are to let errors about untracked flows through: the first that does so is taken. */
function withIcmp(scene: Scene, rules: FlowRules, connections: readonly Connection[]): Decision {
  const { family } = scene.spelling
  // Everything is untracked already, and its own rules let them in.
  if (rules.pre.some(({ protocol }) => protocol === null)) return { rules, blockers: [] }
  const types = ICMP_ERRORS[family]
  const accept: OwnRule = { protocol: 'icmp', icmpTypes: types, states: ['invalid', 'untracked'], does: 'accept' }
  const untrack: OwnRule = { protocol: 'icmp', icmpTypes: types, does: 'notrack' }
  const accepted = { ...rules, acceptIn: [accept, ...rules.acceptIn] }
  const untracked = { ...rules, pre: [...rules.pre, untrack] }
  const ways = [rules, accepted, untracked, { ...accepted, pre: untracked.pre }]
  // Errors come from anywhere, but who is kept out altogether is not missed.
  const from = connections.flatMap(connection => welcome(scene.now, connection))
  const answer = (ruleset: Ruleset, type: number, state: State): Answer =>
    answerOf(among(waysOf(ruleset, icmpError(family, type, state)), from))
  const before = types.map(type => answer(scene.now, type, 'related'))
  for (const way of ways) {
    const then = withSketch(scene.now, scene.home, way, scene.spelling)
    // Tracking finds no entry that it belongs to.
    const after = types.map(type => answer(then, type, 'invalid'))
    if (after.every(({ is }, i) => is === 'accepted' || is === before[i]?.is)) {
      return { rules: way, blockers: [] }
    }
  }
  const last = answer(withSketch(scene.now, scene.home, untracked, scene.spelling), types[0] ?? 3, 'invalid')
  const by = last.is === 'dropped' ? ` by ${describePlace(last.by)}` : ''
  const message = `ICMP errors about the flows would be dropped${by}, so large transfers over a smaller MTU would stall: let ICMP type ${types.join(', ')} in there first`
  return { rules: untracked, blockers: [{ code: 'breaks-path-mtu', message, forceable: true }] }
}

function icmpError(family: Family, type: number, state: State): Packet {
  return {
    family,
    protocol: family === 4 ? 'icmp' : 'ipv6-icmp',
    direction: 'in',
    source: null,
    destination: null,
    sourcePort: null,
    destinationPort: null,
    tcpFlags: 'other',
    icmp: { type, code: 0 },
    state,
    translated: false,
  }
}

/** A connection and a question of this host's own, where such flows are asked for: out, and the answer. */
export function ownPackets({ local_out: out, all, peers }: Options, family: Family): Packet[] {
  const peer =
    peers.length === 0 ? null : peers.find(address => address.includes(':') === (family === 6))?.split('/')[0]
  if (!(out || all) || peer === undefined) return []
  return (['tcp', 'udp'] as const).flatMap(protocol => {
    const port = protocol === 'tcp' ? 443 : 53
    const about = { family, protocol, translated: false } as const
    const sent = { source: null, sourcePort: LOCAL_PORTS[0]?.from ?? null, destination: peer, destinationPort: port }
    const back = { source: peer, sourcePort: port, destination: null, destinationPort: sent.sourcePort }
    const [first, answer] = protocol === 'tcp' ? (['syn', 'syn-ack'] as const) : (['other', 'other'] as const)
    return [
      { ...about, ...sent, direction: 'out', tcpFlags: first, state: 'new' } as const,
      { ...about, ...back, direction: 'in', tcpFlags: answer, state: 'established' } as const,
    ]
  })
}

/** Of a wide range the edges are looked at: a rule set has few borders, and a plan has to be made in milliseconds. */
export function connectionsOf({ tcp, udp, peers, addresses }: Options, family: Family): Connection[] {
  const ports = [
    ...tcp.map(range => ({ protocol: 'tcp' as const, range })),
    ...udp.map(range => ({ protocol: 'udp' as const, range })),
  ].flatMap(({ protocol, range }) => [...new Set([range.from, range.to])].map(port => ({ protocol, port })))
  const ends = edgesOf(peers, family).flatMap(client => edgesOf(addresses, family).map(server => ({ client, server })))
  return ports.flatMap(({ protocol, port }) =>
    ends.slice(0, MOST_ENDS).flatMap(({ client, server }) =>
      (['new', 'open'] as const).map(kind => ({
        ...{ family, protocol, kind },
        client: { address: client, port: null },
        server: { address: server, port },
        // nat-on-flow has looked.
        translated: false as const,
      })),
    ),
  )
}

/** Each way through thousands of rules takes a millisecond. */
const MOST_ENDS = 32

/** First and last of each network; null for anybody. */
function edgesOf(addresses: readonly string[], family: Family): (string | null)[] {
  if (addresses.length === 0) return [null]
  const ranges = addresses.flatMap(address => parseNetwork(address) ?? []).filter(range => range.family === family)
  const edges = ranges.flatMap(({ from, to }) =>
    [from, to].map(value => networkText({ family, from: value, to: value })),
  )
  return [...new Set(edges)]
}
