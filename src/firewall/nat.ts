/** Which connections the rules translate: those to a port, those that are sent to it from another, and those of others. */
import { runBase } from './chain.ts'
import { overlaps, type PortRange, type Seen } from './match.ts'
import { type Place, placeOf, type Rule, type Ruleset } from './ruleset.ts'

/** The rule that may translate it, of the first that do; null when none does. From outside, and from this host itself. */
export function translates({ tables }: Ruleset, protocol: 'tcp' | 'udp', port: number): Place | null {
  for (const table of tables) {
    for (const chain of table.chains.values()) {
      const { base } = chain
      if (base?.type !== 'nat' || (base.hook !== 'prerouting' && base.hook !== 'output')) continue
      const ends = runBase(table, chain, base, seenAt(base.hook, table.family, protocol, port), FRESH, false)
      // What translates is a verdict of its own kind: it may drop the packet, for all the walk knows.
      const ended = ends.find(({ end, by }) => end === 'dropped' && by !== null)
      if (ended?.by) return ended.by
    }
  }
  return null
}

const FRESH = { assuming: new Map<string, boolean>(), untracked: false, doubt: null }

function seenAt(hook: string, family: string, protocol: 'tcp' | 'udp', port: number): Seen {
  return {
    family: family === 'ip6' ? 6 : 4,
    protocol,
    direction: hook === 'prerouting' ? 'in' : 'out',
    ...{ source: null, destination: null, sourcePort: null, destinationPort: port },
    ...{ tcpFlags: protocol === 'tcp' ? 'syn' : 'other', icmp: null, state: 'new' },
  }
}

/**
 * The rule that turns connections to another port, or to another address, into ones to a port of this host; null when
 * none does. Their entries know where they came from, and without one the answers go out from the wrong port.
 */
export function sentTo(
  ruleset: Ruleset,
  protocol: 'tcp' | 'udp',
  ranges: readonly PortRange[],
  isOwn: (address: string) => boolean,
): Place | null {
  return findRule(ruleset, rule => {
    const target = targetOf(rule.line)
    if (!target || !isAbout(rule, protocol) || (target.address !== null && !isOwn(target.address))) return false
    return overlaps(ranges, target)
  })
}

/** The rule by which packets of others leave with an address of this host, whoever they are; null when there is none. */
export function translatesSources(ruleset: Ruleset): Place | null {
  return findRule(ruleset, ({ line }) => isSourceNat(line))
}

/** The same, of a rule that names no senders: all that come by may be behind it. */
export function translatesAnybody(ruleset: Ruleset): Place | null {
  return findRule(
    ruleset,
    ({ line, matches }) =>
      isSourceNat(line) && !matches.some(({ condition }) => condition.is === 'address' && condition.side === 'source'),
  )
}

const isSourceNat = (line: string): boolean => /-j (MASQUERADE|SNAT)\b|(^|\s)(masquerade|snat)(\s|$)/.test(line)

function findRule({ tables }: Ruleset, isIt: (rule: Rule) => boolean): Place | null {
  for (const table of tables) {
    for (const { name, rules } of table.chains.values()) {
      const found = rules.find(isIt)
      if (found) return placeOf(table, name, found.line)
    }
  }
  return null
}

function isAbout({ matches }: Rule, protocol: string): boolean {
  return !matches.some(
    ({ condition, not }) => condition.is === 'protocol' && condition.protocols.includes(protocol) === not,
  )
}

/** Of `--to-ports 8080-8090`, `--to-destination 127.0.0.1:8080`, and what nft says the same by. `address` null: our own. */
function targetOf(
  line: string,
): { readonly address: string | null; readonly from: number; readonly to: number } | null {
  const range = (from = '', to?: string): PortRange => ({ from: Number(from), to: Number(to ?? from) })
  const redirect = /-j REDIRECT --to-ports (\d+)(?:-(\d+))?|redirect \{"port":(?:(\d+)|\{"range":\[(\d+),(\d+)\])/.exec(
    line,
  )
  if (redirect)
    return { address: null, ...range(redirect[1] ?? redirect[3] ?? redirect[4], redirect[2] ?? redirect[5]) }
  const dnat =
    /-j DNAT --to-destination \[?([\d.]+|[\da-f:]+)\]?:(\d+)(?:-(\d+))?|dnat \{.*"addr":"([^"]+)","port":(\d+)/.exec(
      line,
    )
  const address = dnat?.[1] ?? dnat?.[4]
  return dnat && address ? { address, ...range(dnat[2] ?? dnat[5], dnat[3]) } : null
}
