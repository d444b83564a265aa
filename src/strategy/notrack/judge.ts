/** What untracking does to connections that are let in now: found by walking them through the rules before and after. */
import { compare, type Difference, opened, welcome } from '../../firewall/compare.ts'
import type { Connection } from '../../firewall/connection.ts'
import { holdsPort } from '../../firewall/match.ts'
import { type Packet, walk, waysOf } from '../../firewall/packet.ts'
import { describePlace, type Ruleset } from '../../firewall/ruleset.ts'
import { formatCount } from '../../lang/numbers.ts'
import type { Blocker } from '../strategy.ts'
import type { Options } from './options.ts'

/**
 * Blockers for all of them. `inside`: those of the host with itself, of which is only said what is not said of all.
 */
export function judgeAll(
  now: Ruleset,
  then: Ruleset,
  connections: readonly Connection[],
  inside: readonly Connection[],
  wanted: Options,
): Blocker[] {
  const found = connections.flatMap(connection => judge(now, then, connection, wanted) ?? [])
  const within = inside.flatMap(connection => judge(now, then, connection, wanted) ?? [])
  // What the host asks of itself is part of these.
  const meansToOpen = wanted.all || wanted.local_out
  const isSaid = (port: number): boolean => found.some(one => one.port === port)
  const alone = within.filter(({ code, port }) => !isSaid(port) && (code === 'cuts-off-service' || !meansToOpen))
  return perCause([...found, ...alone])
}

/** Of the connections that may be open only those of whom a new one is let in from: bans drop no more than they did. */
export function difference(now: Ruleset, then: Ruleset, connection: Connection): Difference {
  const from = welcome(now, connection)
  // A port that nobody new is let in to has nobody's connections to lose.
  if (connection.kind === 'open' && from.length === 0) return { is: 'none' }
  return compare(now, then, connection, from)
}

/** What this host begins, and the answers to it. */
export function cutsOwn(now: Ruleset, then: Ruleset, packet: Packet): Blocker[] {
  const answer = walk(then, asSent(then, packet))
  if (answer.is === 'accepted' || walk(now, packet).is !== 'accepted') return []
  const place = answer.is === 'dropped' ? answer.by : answer.because
  const what = packet.direction === 'out' ? 'what this host begins' : 'answers to what this host begins'
  const message = `untracked, ${what} over ${packet.protocol} and IPv${packet.family} would be dropped by ${describePlace(place)}`
  return [{ code: 'cuts-off-own', message, forceable: true }]
}

/** What one rule does to many ports is said once, of all of them. */
function perCause(found: readonly Verdict[]): Blocker[] {
  const causes = new Map<string, { verdict: Verdict; ports: Set<number> }>()
  for (const verdict of found) {
    const cause = JSON.stringify([verdict.code, verdict.what, verdict.rest])
    const known = causes.get(cause) ?? { verdict, ports: new Set() }
    causes.set(cause, known)
    known.ports.add(verdict.port)
  }
  return [...causes.values()].map(({ verdict: { code, what, rest }, ports }) => {
    const [few, more] = [[...ports].slice(0, MOST_NAMED), ports.size - MOST_NAMED]
    const list = more > 0 ? `${few.join(', ')} and ${more} more` : few.join(', ')
    return { code, message: `${what} ${list} ${rest}`, forceable: true }
  })
}

const MOST_NAMED = 8

interface Verdict {
  readonly code: string
  /** What goes before the port, and after it. */
  readonly what: string
  readonly port: number
  readonly rest: string
}

/** What stays on the machine comes in as it went out: untracked, where that was done to it on its way. */
function asSent(then: Ruleset, packet: Packet): Packet {
  const { direction, source, destination } = packet
  if (direction === 'out' || source === null || source !== destination) return packet
  return waysOf(then, { ...packet, direction: 'out' }).some(({ untracked }) => untracked)
    ? { ...packet, state: 'untracked' }
    : packet
}

/** A service that is cut off, or one that is let in where it was kept out. */
function judge(now: Ruleset, then: Ruleset, connection: Connection, wanted: Options): Verdict | null {
  const { family, protocol, server, client, kind } = connection
  const whose = client.address === null ? '' : `from ${client.address} `
  const what = `${kind} IPv${family} connections to ${protocol} port`
  const about = { port: server.port }
  const isNamed = holdsPort(wanted[protocol], server.port)
  const hint = isNamed ? 'let the port in there first, whatever its state' : `name the port in ${protocol}, too`
  const narrow = wanted.peers.length + wanted.addresses.length === 0 ? 'name peers or addresses, or ' : ''
  const found = difference(now, then, connection)
  if (found.is !== 'none') {
    const [who, place] = found.is === 'cut' ? ['', found.by] : ['some ', found.because]
    const rest = `${whose}would be dropped by ${describePlace(place)}: ${hint}`
    return { ...about, code: 'cuts-off-service', what: `untracked, ${who}${what}`, rest }
  }
  const kept = kind === 'new' ? opened(now, then, connection) : null
  if (!kept) return null
  const rest = `${whose}that ${describePlace(kept)} keeps out now would be let in: ${narrow}open the port there first`
  return { ...about, code: 'opens-port', what, rest }
}

export function tooWide(count: number): Blocker {
  const message = `the rules of this host divide what was asked for into ${formatCount(count)} kinds of connections, more than a plan can judge: name narrower ranges, networks or addresses`
  return { code: 'too-wide', message, forceable: true }
}
