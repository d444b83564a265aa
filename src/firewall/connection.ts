/** A whole connection through a rule set: what one packet was makes the state of the next. */
import type { Family } from './address.ts'
import type { State } from './match.ts'
import { type Packet, type Way, waysOf } from './packet.ts'
import type { Ruleset } from './ruleset.ts'

/** A connection as the host it comes to sees it. */
export interface Connection {
  readonly family: Family
  readonly protocol: 'tcp' | 'udp'
  /** `new`: from its first packet on. `open`: it is there already, and tracked if it ever was. */
  readonly kind: 'new' | 'open'
  /** null: anybody. */
  readonly client: { readonly address: string | null; readonly port: number | null }
  readonly server: { readonly address: string | null; readonly port: number }
  /** No rule translates it; left out: nobody knows. */
  readonly translated?: false
}

/** Which of the packets before it were tracked, in order. */
type Tracked = readonly boolean[]

interface Leg {
  readonly direction: Packet['direction']
  readonly tcpFlags: Packet['tcpFlags']
  readonly state: (tracked: Tracked) => State
}

/**
 * The kernel's table for TCP (nf_conntrack_proto_tcp.c): a SYN-ACK to a SYN it has not seen is invalid; so is the ACK when
 * it has not seen the SYN-ACK; and an ACK of a connection it knows nothing of begins a new one (tcp_loose).
 */
const NEW_TCP: readonly Leg[] = [
  { direction: 'in', tcpFlags: 'syn', state: () => 'new' },
  { direction: 'out', tcpFlags: 'syn-ack', state: ([syn]) => (syn ? 'established' : 'invalid') },
  {
    direction: 'in',
    tcpFlags: 'other',
    state: ([syn, synAck]) => (syn ? (synAck ? 'established' : 'invalid') : 'new'),
  },
]
const NEW_UDP: readonly Leg[] = [
  { direction: 'in', tcpFlags: 'other', state: () => 'new' },
  { direction: 'out', tcpFlags: 'other', state: ([request]) => (request ? 'established' : 'new') },
]
/** Its entry stays, whatever rules say now, so each direction is judged alone. */
const OPEN: readonly Leg[] = [
  { direction: 'in', tcpFlags: 'other', state: () => 'established' },
  { direction: 'out', tcpFlags: 'other', state: () => 'established' },
]

/** Every way the connection can go: to its end, or to the first packet that is dropped. */
export function waysOfConnection(ruleset: Ruleset, connection: Connection): Way[] {
  const legs = connection.kind === 'open' ? OPEN : connection.protocol === 'tcp' ? NEW_TCP : NEW_UDP
  return follow(ruleset, connection, legs, [], new Map())
}

function follow(
  ruleset: Ruleset,
  connection: Connection,
  legs: readonly Leg[],
  tracked: Tracked,
  given: Way['assuming'],
): Way[] {
  const [leg, ...later] = legs
  if (!leg) return []
  return waysOf(ruleset, packetOf(connection, leg, tracked), given).flatMap(way => {
    if (way.end === 'dropped' || later.length === 0) return [way]
    const rest = follow(ruleset, connection, later, [...tracked, !way.untracked], way.assuming)
    return rest.map(end => ({ ...end, doubt: way.doubt ?? end.doubt }))
  })
}

function packetOf({ family, protocol, client, server, translated }: Connection, leg: Leg, tracked: Tracked): Packet {
  const about = { family, protocol, direction: leg.direction, tcpFlags: leg.tcpFlags, state: leg.state(tracked) }
  const [source, destination] = leg.direction === 'in' ? [client, server] : [server, client]
  return {
    ...about,
    ...(translated === false ? { translated } : {}),
    source: source.address,
    sourcePort: source.port,
    destination: destination.address,
    destinationPort: destination.port,
  }
}
