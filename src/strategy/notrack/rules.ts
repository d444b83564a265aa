/**
 * The flows as rules. Both directions, or the answers make half-open entries of their own; what stays on the machine is
 * taken out where it is sent, for it keeps its entry across lo.
 */
import type { Facts } from '../../facts/facts.ts'
import { type Family, isOf } from '../../firewall/address.ts'
import type { PortRange } from '../../firewall/match.ts'
import type { OwnRule } from '../../firewall/own-rule.ts'
import type { Options } from './options.ts'

export interface FlowRules {
  /** Before tracking: what comes in, what goes out. */
  readonly pre: readonly OwnRule[]
  readonly out: readonly OwnRule[]
  /** In the filter: the same flows, untracked, and no others. */
  readonly acceptIn: readonly OwnRule[]
  readonly acceptOut: readonly OwnRule[]
}

/** Errors that path-MTU discovery and a closed port need to be heard: RFC 792 and RFC 4443. */
export const ICMP_ERRORS: Readonly<Record<Family, readonly number[]>> = { 4: [3, 11, 12], 6: [1, 2, 3, 4] }
/** Answers to what this host asks, next to the errors: echo replies. */
const ICMP_ANSWERS: Readonly<Record<Family, readonly number[]>> = { 4: [0], 6: [129] }

/** From here on up systems choose ports for clients: beyond 1024 covers what Linux, BSD and Windows ever did. */
const CLIENT_PORTS: readonly PortRange[] = [{ from: 1024, to: 65_535 }]
/** Linux's own default of net.ipv4.ip_local_port_range. */
const LOCAL_PORTS: PortRange = { from: 32_768, to: 60_999 }
/** Answers over UDP that nearly every host waits for: names and time. */
const NTP: PortRange = { from: 123, to: 123 }
const UDP_SERVERS: readonly PortRange[] = [{ from: 53, to: 53 }, NTP]

export const NO_RULES: FlowRules = { pre: [], out: [], acceptIn: [], acceptOut: [] }

const UNTRACKED = { states: ['untracked'], does: 'accept' } as const

type PortsOf = Readonly<Record<'tcp' | 'udp', readonly PortRange[]>>

/** The ports that an accept of ours is wanted for. */
export interface LetIn {
  readonly others: PortsOf
  /** Of what the host asks of itself by lo: the questions, and the answers. */
  readonly asked: PortsOf
  readonly answered: PortsOf
}

/** The ports that a host chooses from for what it begins. */
export function portsChosen({ localPorts }: Pick<Facts, 'localPorts'>): PortRange {
  return localPorts ?? LOCAL_PORTS
}

/** What the rules of one family hang on, besides what is wanted. */
export interface Ground {
  readonly family: Family
  /** Others' packets pass here, too. */
  readonly forwards: boolean
  /** The ports that the host chooses from for what it begins. */
  readonly chosen: PortRange
}

/**
 * The rules of one family; empty where peers or addresses leave nothing to it. `letIn`: the ports that accepts are about,
 * all that are wanted when left out.
 */
export function flowRules(
  wanted: Options,
  { family, forwards, chosen }: Ground,
  letIn: LetIn = { others: wanted, asked: wanted, answered: wanted },
): FlowRules {
  const peers = ofFamily(wanted.peers, family)
  const addresses = ofFamily(wanted.addresses, family)
  if (peers === null || addresses === null) return NO_RULES
  const ends = peers.flatMap(peer => addresses.map(own => ({ peer, own })))
  const parts = [
    ...ends.flatMap(end => services(wanted, end, forwards, letIn)),
    ...(wanted.local_out ? ends.flatMap(end => begun(end, [chosen])) : []),
    ...(wanted.all ? [everything(wanted, family)] : []),
  ]
  return {
    pre: parts.flatMap(({ pre }) => pre),
    out: parts.flatMap(({ out }) => out),
    acceptIn: parts.flatMap(({ acceptIn }) => acceptIn),
    acceptOut: parts.flatMap(({ acceptOut }) => acceptOut),
  }
}

/** Families of which peers and addresses leave something, in the order in which they were asked for. */
export function familiesWith({ families, peers, addresses }: Options): Family[] {
  return families.filter(family => ofFamily(peers, family) !== null && ofFamily(addresses, family) !== null)
}

interface Ends {
  readonly peer: string | null
  readonly own: string | null
}

/** Those of the family; `[null]` when none are named at all, null when all that are named are the other family's. */
function ofFamily(addresses: readonly string[], family: Family): readonly (string | null)[] | null {
  if (addresses.length === 0) return [null]
  const own = addresses.filter(address => isOf(address, family))
  return own.length > 0 ? own : null
}

/** Incoming: from the other end to this one. */
const towards = ({ peer, own }: Ends): Pick<OwnRule, 'from' | 'to'> => ({
  ...(peer === null ? {} : { from: peer }),
  ...(own === null ? {} : { to: own }),
})
const away = ({ peer, own }: Ends): Pick<OwnRule, 'from' | 'to'> => ({
  ...(own === null ? {} : { from: own }),
  ...(peer === null ? {} : { to: peer }),
})

function services(wanted: Options, ends: Ends, forwards: boolean, allowed: LetIn): FlowRules[] {
  const { tcp, udp, all } = wanted
  // Everything has its own rules; these then only say what may come in.
  const isOwn = !all
  return (['tcp', 'udp'] as const).flatMap(protocol => {
    const ports = protocol === 'tcp' ? tcp : udp
    if (ports.length === 0) return []
    const letIn = allowed.others[protocol]
    const request = { protocol, ...towards(ends) }
    const answer = { protocol, ...away(ends) }
    // Whom the flows are shared with is somebody else then.
    const stays = ends.peer === null && isOwn
    const [asked, answered] = stays ? [only(allowed.asked[protocol], letIn), allowed.answered[protocol]] : [[], []]
    const inside = { protocol, ...(ends.own === null ? {} : { to: ends.own }), loopback: 'out' } as const
    const insideAnswer = { protocol, ...(ends.own === null ? {} : { from: ends.own }), loopback: 'in' } as const
    const local = forwards && ends.own === null ? { local: true as const } : {}
    return [
      {
        pre: isOwn ? [{ ...request, ...local, toPorts: ports, does: 'notrack' as const }] : [],
        out: [
          ...(isOwn ? [{ ...answer, fromPorts: ports, does: 'notrack' as const }] : []),
          ...(stays ? [{ ...inside, toPorts: ports, does: 'notrack' as const }] : []),
        ],
        acceptIn: [
          ...toPorts(request, letIn),
          ...fromPorts(insideAnswer, answered),
          ...toPorts({ ...insideAnswer, ...towards(ends) }, asked),
        ],
        acceptOut: [
          ...fromPorts(answer, letIn),
          ...toPorts(inside, answered),
          ...fromPorts({ ...inside, ...away(ends) }, asked),
        ],
      },
    ]
  })
}

type Head = Omit<OwnRule, 'does' | 'fromPorts' | 'toPorts'>

const toPorts = (head: Head, ports: readonly PortRange[]): OwnRule[] =>
  ports.length === 0 ? [] : [{ ...head, toPorts: ports, ...UNTRACKED }]
const fromPorts = (head: Head, ports: readonly PortRange[]): OwnRule[] =>
  ports.length === 0 ? [] : [{ ...head, fromPorts: ports, ...UNTRACKED }]
const only = (ports: readonly PortRange[], without: readonly PortRange[]): PortRange[] =>
  ports.filter(range => !without.some(({ from, to }) => from <= range.from && to >= range.to))

/** What this host begins, by the ports it chooses for itself. */
function begun(ends: Ends, chosen: readonly PortRange[]): FlowRules[] {
  const tcp = (more: Partial<OwnRule>): OwnRule => ({ protocol: 'tcp', does: 'notrack', ...more })
  const udp = (server: PortRange): OwnRule => ({
    ...{ protocol: 'udp', does: 'notrack', ...towards(ends) },
    ...{ fromPorts: [server], toPorts: chosen },
  })
  const answers = [tcp({ ...towards(ends), toPorts: chosen }), ...UDP_SERVERS.map(udp)]
  const requests = [
    tcp({ ...away(ends), fromPorts: chosen }),
    ...UDP_SERVERS.map(server => ({
      ...{ protocol: 'udp' as const, does: 'notrack' as const, ...away(ends) },
      ...{ fromPorts: chosen, toPorts: [server] },
    })),
  ]
  const inside = ends.peer === null ? [tcp({ toPorts: chosen, loopback: 'out' })] : []
  return [
    {
      pre: answers,
      out: [...requests, ...inside],
      // Who opens a connection to one of these ports is not let in by this.
      acceptIn: answers.map(rule => ({ ...rule, ...(rule.protocol === 'tcp' ? { answers: true } : {}), ...UNTRACKED })),
      acceptOut: [...requests, ...inside].map(rule => ({ ...rule, ...UNTRACKED })),
    },
  ]
}

/** Nothing is tracked, so what comes back has to be let in by what it looks like. */
function everything({ peers }: Options, family: Family): FlowRules {
  const senders = peers.filter(peer => isOf(peer, family))
  const udp: OwnRule[] =
    peers.length > 0
      ? senders.map(from => ({ protocol: 'udp', from, toPorts: CLIENT_PORTS, ...UNTRACKED }))
      : UDP_SERVERS.map(server => ({ protocol: 'udp', fromPorts: [server], toPorts: CLIENT_PORTS, ...UNTRACKED }))
  // Time servers ask each other from that port, too.
  const time: OwnRule = { protocol: 'udp', fromPorts: [NTP], toPorts: [NTP], ...UNTRACKED }
  return {
    pre: [{ protocol: null, does: 'notrack' }],
    out: [{ protocol: null, does: 'notrack' }],
    acceptIn: [
      { protocol: null, loopback: 'in', ...UNTRACKED },
      { protocol: 'tcp', toPorts: CLIENT_PORTS, answers: true, ...UNTRACKED },
      ...udp,
      ...(peers.length > 0 ? senders.map(from => ({ ...time, from })) : [time]),
      { protocol: 'icmp', icmpTypes: [...ICMP_ANSWERS[family], ...ICMP_ERRORS[family]], ...UNTRACKED },
    ],
    acceptOut: [
      { protocol: null, loopback: 'out', ...UNTRACKED },
      { protocol: 'tcp', answers: true, ...UNTRACKED },
    ],
  }
}
