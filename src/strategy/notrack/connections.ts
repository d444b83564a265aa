/** The connections that are walked before anything is decided: one for each stretch in which the rules treat all alike. */
import { type Family, isOf } from '../../firewall/address.ts'
import type { Connection } from '../../firewall/connection.ts'
import type { PortRange } from '../../firewall/match.ts'
import type { Packet } from '../../firewall/packet.ts'
import type { Ruleset } from '../../firewall/ruleset.ts'
import { addressStretches, portStretches } from '../../firewall/stretches.ts'
import type { Options } from './options.ts'
import { familiesWith, type Ground } from './rules.ts'

export interface Walks {
  /** From others. */
  readonly connections: readonly Connection[]
  /** Of the host with itself, new ones. */
  readonly inside: readonly Connection[]
  /** The ports wanted, cut where rules differ. */
  readonly stretches: Readonly<Record<'tcp' | 'udp', readonly PortRange[]>>
  /** More than can be walked in a plan's time: how many there would be; null when all are here. */
  readonly tooMany: number | null
}

/** A way through a usual rule set takes a tenth of a millisecond, through one of thousands of rules a whole one. */
const MOST_WALKS = 2_000

/** Rules of ours let answers in from 1024 up. */
const ALL_PORTS: readonly PortRange[] = [
  { from: 1, to: 1023 },
  { from: 1024, to: 65_535 },
]
const LOOPBACK: Readonly<Record<Family, string>> = { 4: '127.0.0.1', 6: '::1' }

interface Ends {
  readonly client: string | null
  /** null: one that the client's system chose. */
  readonly clientPort?: number | null
  readonly server: string | null
}

/** What may come in on the flows, of one family. `ruleset`: the rules as they are, without ours. */
export function walksOf(wanted: Options, { family, chosen }: Omit<Ground, 'forwards'>, ruleset: Ruleset): Walks {
  const { tcp, udp, peers, addresses, all, local_out: out } = wanted
  const stretches = { tcp: portStretches(ruleset, tcp), udp: portStretches(ruleset, udp) }
  if (!familiesWith(wanted).includes(family)) return { connections: [], inside: [], stretches, tooMany: null }
  const clients = endsOf(peers, family, ruleset)
  const servers = endsOf(addresses, family, ruleset)
  const ends = clients.flatMap(client => servers.map(server => ({ client, server })))
  const stays = all || (peers.length === 0 && addresses.length === 0)
  const lo: Ends = { client: LOOPBACK[family], clientPort: chosen.from, server: LOOPBACK[family] }
  const anybody: Ends[] = [{ client: null, server: null }]
  const groups = (['tcp', 'udp'] as const).flatMap(protocol => {
    const services = protocol === 'tcp' ? tcp : udp
    // Everything is everybody's, whoever was named.
    const more = all ? ALL_PORTS : out && protocol === 'tcp' ? [chosen] : []
    return [
      { protocol, kinds: KINDS, ports: services.length === 0 ? [] : stretches[protocol], ends },
      // Of these there are many, and the last packet of a new one goes the way of one that is open.
      { protocol, kinds: NEW, ports: portStretches(ruleset, more), ends: all ? anybody : ends },
    ]
  })
  const count = groups.reduce((sum, { kinds, ports, ends: of }) => sum + ports.length * of.length * kinds.length, 0)
  if (count > MOST_WALKS) return { connections: [], inside: [], stretches, tooMany: count }
  const connections = groups.flatMap(({ protocol, kinds, ports, ends: of }) =>
    ports.flatMap(({ from: port }) => of.flatMap(end => connectionsAt(family, protocol, kinds, port, end))),
  )
  const inside = (['tcp', 'udp'] as const).flatMap(protocol => {
    const begun = all || (out && protocol === 'tcp')
    const ports = begun ? portStretches(ruleset, ALL_PORTS) : stretches[protocol]
    return stays ? ports.flatMap(({ from }) => connectionsAt(family, protocol, NEW, from, lo)) : []
  })
  return { connections, inside, stretches, tooMany: null }
}

const KINDS: readonly Connection['kind'][] = ['new', 'open']
const NEW: readonly Connection['kind'][] = ['new']

function connectionsAt(
  family: Family,
  protocol: 'tcp' | 'udp',
  kinds: readonly Connection['kind'][],
  port: number,
  { client, clientPort = null, server }: Ends,
): Connection[] {
  return kinds.map(kind => ({
    ...{ family, protocol, kind },
    client: { address: client, port: clientPort },
    server: { address: server, port },
    // nat-on-flow has looked.
    translated: false as const,
  }))
}

/** null for anybody; of a network one address of each stretch. */
function endsOf(addresses: readonly string[], family: Family, ruleset: Ruleset): (string | null)[] {
  if (addresses.length === 0) return [null]
  const own = addresses.filter(address => isOf(address, family))
  return [...new Set(own.flatMap(address => addressStretches(ruleset, address)))]
}

/** What this host asks of others, and what comes back, where such flows are asked for. */
export function ownPackets(wanted: Options, { family, chosen }: Omit<Ground, 'forwards'>): Packet[] {
  const { local_out: out, all, peers } = wanted
  if (!(out || all) || !familiesWith(wanted).includes(family)) return []
  const peer = peers.find(address => isOf(address, family))?.split('/')[0] ?? null
  const own = { address: null, port: chosen.from }
  return [
    ...asked(family, 'tcp', own, { address: peer, port: 443 }),
    ...asked(family, 'udp', own, { address: peer, port: 53 }),
  ]
}

/** What this host asks of its own service, by lo. */
export function ownRequest({ family, protocol, client, server }: Connection): Packet[] {
  return asked(family, protocol, client, server)
}

/** A question of this host's own, and the answer. */
function asked(
  family: Family,
  protocol: 'tcp' | 'udp',
  own: Connection['client'],
  other: Connection['client'],
): Packet[] {
  const about = { family, protocol, translated: false } as const
  const sent = { source: own.address, sourcePort: own.port, destination: other.address, destinationPort: other.port }
  const back = { source: other.address, sourcePort: other.port, destination: own.address, destinationPort: own.port }
  const [first, answer] = protocol === 'tcp' ? (['syn', 'syn-ack'] as const) : (['other', 'other'] as const)
  return [
    { ...about, ...sent, direction: 'out', tcpFlags: first, state: 'new' },
    { ...about, ...back, direction: 'in', tcpFlags: answer, state: 'established' },
  ]
}
