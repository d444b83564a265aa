/**
 * Walks one packet through a rule set, in the order of the kernel and over all backends: every chain that stands at a hook
 * must let it pass. Where a rule asks what nobody here can answer, both ways are followed and the question is remembered,
 * so that the same question gets the same answer further on, and in another rule set.
 */
import { type Family, parseAddress } from './address.ts'
import { type Passing, type Questions, runBase } from './chain.ts'
import type { IcmpType, Seen, State } from './match.ts'
import { type Base, type Chain, describePlace, type Place, placeOf, type Ruleset, type Table } from './ruleset.ts'

export interface Packet {
  readonly family: Family
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'ipv6-icmp'
  readonly direction: 'in' | 'out'
  /** null: anybody's. */
  readonly source: string | null
  readonly destination: string | null
  /** null: one that the client's system chose. */
  readonly sourcePort: number | null
  readonly destinationPort: number | null
  /** `syn-fin`: old kernels let it open a connection as well. */
  readonly tcpFlags: 'syn' | 'syn-fin' | 'syn-ack' | 'other'
  /** What a packet of ICMP says. */
  readonly icmp?: IcmpType
  /** What connection tracking would say of it; notrack makes it untracked. */
  readonly state: State
  /** No rule translates its connection; left out: nobody knows. */
  readonly translated?: false
}

/** One way a packet can go, under the answers it takes. */
export interface Way {
  readonly end: 'accepted' | 'dropped'
  /** The rule that dropped it. */
  readonly by: Place | null
  /** It was taken out of tracking. */
  readonly untracked: boolean
  readonly assuming: Questions
  /** The first rule on the way that asked what we cannot answer. */
  readonly doubt: Place | null
}

export type Answer =
  | { readonly is: 'accepted' }
  | { readonly is: 'dropped'; readonly by: Place }
  | { readonly is: 'unknown'; readonly because: Place }

const HOOKS: Readonly<Record<Packet['direction'], readonly string[]>> = {
  in: ['ingress', 'prerouting', 'input'],
  out: ['output', 'postrouting', 'egress'],
}
/** Connection tracking's own place (`NF_IP_PRI_CONNTRACK`): rules before it see no state, rules after it cannot prevent it. */
const TRACKING = -200

/** What becomes of a packet: accepted, dropped by which rule, or unknown because of which. */
export function walk(ruleset: Ruleset, packet: Packet): Answer {
  return judge(waysOf(ruleset, packet))
}

/** All ways end alike, or it cannot be said. */
export function judge(ways: readonly Way[]): Answer {
  const dropped = ways.find(({ end }) => end === 'dropped')
  if (!dropped?.by) return { is: 'accepted' }
  if (ways.every(({ end }) => end === 'dropped')) return { is: 'dropped', by: dropped.by }
  return { is: 'unknown', because: ways.find(({ doubt }) => doubt)?.doubt ?? dropped.by }
}

/** Every way the packet can go; `given` holds answers that are settled already. */
export function waysOf(ruleset: Ruleset, packet: Packet, given: Questions = new Map()): Way[] {
  const seen = seenOf(packet)
  let passing: readonly Passing[] = [{ assuming: given, untracked: false, doubt: null }]
  const ways: Way[] = []
  for (const { table, chain, base } of chainsFor(ruleset, packet)) {
    passing = passing.flatMap(packetOn => {
      const state = stateAt(base, packetOn, packet)
      const ends = runBase(table, chain, base, { ...seen, state }, packetOn, base.priority < TRACKING)
      for (const { end, by, ...rest } of ends) if (end === 'dropped') ways.push({ end, by, ...rest })
      return ends.filter(({ end }) => end === 'accepted')
    })
    passing = fewer(passing)
  }
  const rest = ruleset.complete ? passing.map(accepted) : passing.flatMap(on => unread(on, packet))
  return [...fewer(ways), ...fewer(rest)]
}

/** Beyond that, ways that end the same become one: each chain, and each packet, would multiply them. */
const MOST_WAYS = 16

/**
 * One way for all that end the same, with what all of them assume. It stands for more than they did, so nothing that may
 * be dropped is lost by it; at most too much is doubted.
 */
function fewer<P extends Passing & { readonly by?: Place | null }>(ways: readonly P[]): readonly P[] {
  if (ways.length <= MOST_WAYS) return ways
  const merged = new Map<string, P>()
  for (const way of ways) {
    const key = `${way.untracked} ${way.by ? describePlace(way.by) : 'passes'}`
    const other = merged.get(key)
    merged.set(key, other ? { ...other, assuming: common(other.assuming, way.assuming) } : way)
  }
  return [...merged.values()]
}

function common(one: Questions, other: Questions): Questions {
  return new Map([...one].filter(([question, answer]) => other.get(question) === answer))
}

const accepted = ({ assuming, untracked, doubt }: Passing): Way => ({
  end: 'accepted',
  by: null,
  assuming,
  untracked,
  doubt,
})

function seenOf(packet: Packet): Seen {
  const { source, destination } = packet
  return {
    ...packet,
    icmp: packet.icmp ?? null,
    source: source === null ? null : parseAddress(source),
    destination: destination === null ? null : parseAddress(destination),
  }
}

function stateAt({ priority }: Base, { untracked }: Passing, { state }: Packet): State {
  if (untracked) return 'untracked'
  // Nothing has looked at it yet, and iptables calls that invalid.
  return priority < TRACKING ? 'invalid' : state
}

interface Station {
  readonly table: Table
  readonly chain: Chain
  readonly base: Base
}

/** The chains a packet comes by, in order. nat chains translate, and do not decide whether it passes. */
function chainsFor({ tables }: Ruleset, { family, direction }: Packet): Station[] {
  const families = [family === 4 ? 'ip' : 'ip6', 'inet', 'netdev']
  const hooks = HOOKS[direction]
  return tables
    .filter(table => families.includes(table.family))
    .flatMap(table =>
      [...table.chains.values()].flatMap(chain => (chain.base ? [{ table, chain, base: chain.base }] : [])),
    )
    .filter(({ base }) => base.type !== 'nat' && hooks.includes(base.hook))
    .toSorted((a, b) => hooks.indexOf(a.base.hook) - hooks.indexOf(b.base.hook) || a.base.priority - b.base.priority)
}

/** Rules that nobody could read may do either, and what they do may hang on the state. */
function unread(on: Passing, { direction, state, family }: Packet): Way[] {
  const seen = on.untracked ? 'untracked' : state
  const question = `unread ${family} ${direction} ${seen}`
  const place = placeOf({ backend: 'nft', family: 'any', name: 'any' }, 'any', 'rules that could not be read')
  const known = on.assuming.get(question)
  return [true, false]
    .filter(answer => known === undefined || answer === known)
    .map(answer => ({
      ...on,
      end: answer ? 'dropped' : 'accepted',
      by: answer ? place : null,
      assuming: new Map(on.assuming).set(question, answer),
      doubt: on.doubt ?? place,
    }))
}
