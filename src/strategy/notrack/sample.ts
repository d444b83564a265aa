/** Packets that a rule takes out of tracking, one for each kind: what becomes of them, and of their answers, can be walked. */
import { type AddressRange, type Family, networkText } from '../../firewall/address.ts'
import type { Condition, PortRange } from '../../firewall/match.ts'
import type { Packet } from '../../firewall/packet.ts'
import type { Rule, Ruleset } from '../../firewall/ruleset.ts'

type Flow = Pick<Packet, 'protocol' | 'source' | 'destination' | 'sourcePort' | 'destinationPort'>

/** Of several ports in a rule so many are tried. */
const MOST_PORTS = 16

/** Of a flow with answers, in one family; none for what is of another matter: ICMP, lo, SYNPROXY, multicast. */
export function samplesOf(rule: Rule, family: Family): Flow[] {
  const asked = rule.matches.flatMap(({ condition, not }) => (not ? [] : condition))
  if (asked.some(isOfAnotherMatter)) return []
  const [sources, destinations] = [addressesOf(asked, 'source', family), addressesOf(asked, 'destination', family)]
  const [from, to] = [portsOf(asked, 'source'), portsOf(asked, 'destination')]
  return protocolsOf(asked).flatMap(protocol =>
    sources.flatMap(source =>
      destinations.flatMap(destination =>
        from.flatMap(sourcePort =>
          to.map(destinationPort => ({ protocol, source, destination, sourcePort, destinationPort })),
        ),
      ),
    ),
  )
}

/** Rules of nft that hold for both families, and those of the one at hand. */
export function ofFamily(ruleset: Ruleset, family: Family): Ruleset {
  const names = family === 4 ? ['ip', 'inet'] : ['ip6', 'inet']
  return { ...ruleset, tables: ruleset.tables.filter(table => names.includes(table.family)) }
}

/** SYNPROXY asks for its SYNs to be untracked, and tracks the connections itself. */
function isOfAnotherMatter(condition: Condition): boolean {
  if (condition.is === 'interface') return condition.name === 'lo'
  return condition.is === 'icmp' || condition.is === 'flags'
}

function protocolsOf(asked: readonly Condition[]): readonly ('tcp' | 'udp')[] {
  const named = asked.flatMap(condition => (condition.is === 'protocol' ? [condition.protocols] : []))
  if (named.length === 0) return ['tcp']
  return (['tcp', 'udp'] as const).filter(protocol => named.every(names => names.includes(protocol)))
}

function addressesOf(
  asked: readonly Condition[],
  side: 'source' | 'destination',
  family: Family,
): readonly (string | null)[] {
  const named = asked.flatMap(condition =>
    condition.is === 'address' && condition.side === side ? [condition.ranges] : [],
  )
  if (named.length === 0) return [null]
  const [first] = named.flat().filter(range => range.family === family && !isForMany(range))
  return first ? [networkText({ ...first, to: first.from })] : []
}

/** Multicast and broadcast, which nobody answers from, and loopback. */
function isForMany({ family, from }: AddressRange): boolean {
  if (family === 6) return from >> 120n === 0xffn || from === 1n
  return from >> 28n === 0xen || from === 0xffff_ffffn || from >> 24n === 127n
}

function portsOf(asked: readonly Condition[], side: 'source' | 'destination'): readonly (number | null)[] {
  const named = asked.flatMap((condition): readonly PortRange[] => {
    if (condition.is !== 'port') return []
    return condition.side === side || (condition.side === 'either' && side === 'destination') ? condition.ranges : []
  })
  return named.length === 0 ? [null] : named.slice(0, MOST_PORTS).map(({ from }) => from)
}
