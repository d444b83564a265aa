/**
 * What the owner's rules make of untracked packets, found by walking them: whether the flows must be let in by a rule of
 * ours, and how errors of ICMP about them can get through. No more is added than is needed.
 */
import type { Family } from '../../firewall/address.ts'
import { among, welcome } from '../../firewall/compare.ts'
import type { Connection } from '../../firewall/connection.ts'
import type { PortRange, State } from '../../firewall/match.ts'
import type { OwnRule, Spelling } from '../../firewall/own-rule.ts'
import { type Answer, judge as answerOf, type Packet, waysOf } from '../../firewall/packet.ts'
import { describePlace, type Ruleset } from '../../firewall/ruleset.ts'
import { joined } from '../../firewall/stretches.ts'
import type { Blocker } from '../strategy.ts'
import { ownPackets, ownRequest, type Walks, walksOf } from './connections.ts'
import type { Home } from './home.ts'
import { cutsOwn, difference, judgeAll, tooWide } from './judge.ts'
import type { Options } from './options.ts'
import { type FlowRules, flowRules, type Ground, ICMP_ERRORS, NO_RULES } from './rules.ts'
import { withSketch } from './sketch.ts'

export interface Decision {
  /** Our rules of this family, without what is not needed. */
  readonly rules: FlowRules
  readonly blockers: readonly Blocker[]
  /** Ports that were asked for and that nobody is let in to; left out where nobody looked. */
  readonly shut?: Walks['stretches']
}

export interface Scene {
  /** The rule set without ours. */
  readonly now: Ruleset
  readonly home: Home
  readonly spelling: Spelling
  /** Addresses are translated here, or packets of others pass: their entries need the errors about them. */
  readonly translates: boolean
  readonly forwards: boolean
  readonly chosen: Ground['chosen']
}

/** Decides for the family of the scene. */
export function decide(scene: Scene, wanted: Options): Decision {
  const { now, forwards, chosen } = scene
  const ground: Ground = { family: scene.spelling.family, forwards, chosen }
  const { connections, inside, stretches, tooMany } = walksOf(wanted, ground, now)
  const full = flowRules(wanted, ground)
  if (full.pre.length === 0) return { rules: NO_RULES, blockers: [] }
  if (tooMany !== null) return { rules: full, blockers: [tooWide(tooMany)] }
  const own = ownPackets(wanted, ground)
  const bare = { ...full, acceptIn: [], acceptOut: [] }
  const untracked = withSketch(now, scene.home, bare, scene.spelling)
  const isCut = (connection: Connection): boolean => difference(now, untracked, connection).is !== 'none'
  // Answers to what the host does not let in from itself are none.
  const asked = inside.filter(connection => welcome(now, connection).length > 0)
  const cut = connections.filter(isCut)
  const losesAnswers = (connection: Connection): boolean =>
    ownRequest(connection).some(packet => cutsOwn(now, untracked, packet).length > 0)
  const [cutInside, unanswered] = [asked.filter(isCut), asked.filter(losesAnswers)]
  const letIn = {
    others: portsOf(stretches, cut),
    asked: portsOf(stretches, cutInside),
    answered: portsOf(stretches, [...cut, ...unanswered]),
  }
  // A port that nobody is let in to stays closed: it needs no accept, and gets none.
  const needs =
    cut.length + cutInside.length + unanswered.length > 0 ||
    own.some(packet => cutsOwn(now, untracked, packet).length > 0)
  const { rules, blockers } = withIcmp(scene, needs ? flowRules(wanted, ground, letIn) : bare, connections)
  const then = withSketch(now, scene.home, rules, scene.spelling)
  const packets = [...own, ...asked.flatMap(ownRequest)]
  const portOf = ({ protocol, server }: Connection): string => `${protocol} ${server.port}`
  const open = new Set(connections.filter(connection => welcome(now, connection).length > 0).map(portOf))
  return {
    rules,
    shut: portsOf(
      stretches,
      connections.filter(connection => !open.has(portOf(connection))),
    ),
    blockers: [
      ...judgeAll(now, then, connections, inside, wanted),
      ...packets.flatMap(packet => cutsOwn(now, then, packet)).slice(0, 1),
      ...blockers,
    ],
  }
}

/** The stretches that begin at a port of one of these connections. */
function portsOf(
  stretches: Walks['stretches'],
  connections: readonly Connection[],
): Record<'tcp' | 'udp', PortRange[]> {
  const of = (protocol: 'tcp' | 'udp'): PortRange[] => {
    const ports = new Set(connections.flatMap(one => (one.protocol === protocol ? [one.server.port] : [])))
    return joined(stretches[protocol].filter(({ from }) => ports.has(from)))
  }
  return { tcp: of('tcp'), udp: of('udp') }
}

/** The ways there are to let errors about untracked flows through: the first that does so is taken. */
function withIcmp(scene: Scene, rules: FlowRules, connections: readonly Connection[]): Decision {
  const { family } = scene.spelling
  // Everything is untracked already, and its own rules let them in.
  if (rules.pre.some(({ protocol }) => protocol === null)) return { rules, blockers: [] }
  const types = ICMP_ERRORS[family]
  const accept: OwnRule = { protocol: 'icmp', icmpTypes: types, states: ['invalid', 'untracked'], does: 'accept' }
  // What is meant for others' connections through this host is tracked on.
  const local = scene.forwards ? { local: true as const } : {}
  const untrack: OwnRule = { protocol: 'icmp', icmpTypes: types, ...local, does: 'notrack' }
  const accepted = { ...rules, acceptIn: [accept, ...rules.acceptIn] }
  const untracked = { ...rules, pre: [...rules.pre, untrack] }
  // Of a connection that was translated, what an error says must be translated back, and that is done by its entry.
  const ways = scene.translates ? [rules, accepted] : [rules, accepted, untracked, { ...accepted, pre: untracked.pre }]
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
  const best = ways.at(-1) ?? rules
  const last = answer(withSketch(scene.now, scene.home, best, scene.spelling), types[0] ?? 3, 'invalid')
  const by = last.is === 'dropped' ? ` by ${describePlace(last.by)}` : ''
  const message = `ICMP errors about the flows would be dropped${by}, so large transfers over a smaller MTU would stall: let ICMP type ${types.join(', ')} in there first`
  return { rules: best, blockers: [{ code: 'breaks-path-mtu', message, forceable: true }] }
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
