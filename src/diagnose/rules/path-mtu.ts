/** ICMP errors that are dropped, of untracked flows or of all: large transfers over a smaller MTU stall. */
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import type { State } from '../../firewall/match.ts'
import { type Answer, type Packet, walk } from '../../firewall/packet.ts'
import { readRuleset } from '../../firewall/read.ts'
import { describePlace, type Ruleset, rulesOf } from '../../firewall/ruleset.ts'
import { ofFamily, samplesOf } from '../../strategy/notrack/sample.ts'
import type { Finding } from '../finding.ts'

/** Rules of ours count: they may be what lets the errors in. */
export function pathMtu({ ruleset, ipv6 }: Facts): Finding | null {
  if (ruleset === null) return null
  const live = readRuleset(ruleset)
  const found = ([4, 6] as const).flatMap(family =>
    family === 4 || ipv6 ? (holeIn(ofFamily(live, family), family) ?? []) : [],
  )
  if (found.length === 0) return null
  const whose = found.every(({ ofAll }) => ofAll) ? 'transfers' : 'transfers of untracked flows'
  return {
    code: 'path-mtu-black-hole',
    severity: 'warning',
    title: `large ${whose} stall over a smaller MTU: the ICMP errors about them are dropped`,
    evidence: found.map(({ text }) => text),
    remedy: found.some(({ ofAll }) => ofAll)
      ? 'let ICMP fragmentation-needed (IPv6: packet-too-big) in, whatever else of ICMP stays out'
      : 'let ICMP fragmentation-needed and packet-too-big in before the rule that drops INVALID: strategy notrack does that',
  }
}

interface Hole {
  readonly text: string
  /** Tracked or not, no error comes through. */
  readonly ofAll: boolean
}

function holeIn(mine: Ruleset, family: Family): Hole | null {
  // An error about a connection without an entry belongs to nothing.
  const [tracked, untracked] = [walk(mine, tooBig(family, 'related')), walk(mine, tooBig(family, 'invalid'))]
  if (tracked.is === 'dropped') {
    const text = `IPv${family}: ${describePlace(tracked.by)} drops fragmentation-needed, and TCP comes through`
    return hasTcp(mine, family) ? { text, ofAll: true } : null
  }
  const untracking = rulesOf(mine).find(rule => rule.verdict.is === 'notrack' && isOfTcp(rule, family))
  if (!untracking || untracked.is !== 'dropped') return null
  const text = `IPv${family}: "${untracking.line}" untracks, and ${describePlace(untracked.by)} drops the errors`
  return { text, ofAll: false }
}

/** Whoever sends by UDP looks after its size itself; loopback, errors and groups have no path. */
function isOfTcp(rule: Parameters<typeof samplesOf>[0], family: Family): boolean {
  return samplesOf(rule, family).some(({ protocol }) => protocol === 'tcp')
}

/** A family that is shut altogether has no transfers. Services are tried by the ports that rules let in. */
function hasTcp(mine: Ruleset, family: Family): boolean {
  const ports = rulesOf(mine).flatMap(({ verdict, matches }) =>
    matches.flatMap(({ condition, not }) =>
      verdict.is === 'accept' && !not && condition.is === 'port' && condition.side === 'destination'
        ? condition.ranges.map(({ from }) => from)
        : [],
    ),
  )
  const comes = (destinationPort: number | null): Answer =>
    walk(mine, { ...ANY, family, protocol: 'tcp', tcpFlags: 'other', state: 'established', destinationPort })
  return [null, ...new Set(ports.slice(0, MOST_PORTS))].some(port => comes(port).is === 'accepted')
}

const MOST_PORTS = 16
const ANY = {
  direction: 'in',
  source: null,
  destination: null,
  sourcePort: null,
  destinationPort: null,
  translated: false,
} as const

function tooBig(family: Family, state: State): Packet {
  return {
    ...ANY,
    ...{ family, protocol: family === 4 ? 'icmp' : 'ipv6-icmp', tcpFlags: 'other', state },
    icmp: family === 4 ? { type: 3, code: 4 } : { type: 2, code: 0 },
  }
}
