/** What a change of rules makes of a connection: what it cuts off, and what it lets in that was not let in before. */
import { type Connection, waysOfConnection } from './connection.ts'
import type { Way } from './packet.ts'
import type { Place, Ruleset } from './ruleset.ts'

export type Difference =
  | { readonly is: 'none' }
  | { readonly is: 'cut'; readonly by: Place }
  | { readonly is: 'maybe'; readonly because: Place }

/** The ways a new connection comes in by; who is not among them has no open one either. */
export function welcome(now: Ruleset, connection: Connection): readonly Way[] {
  return waysIn(now, { ...connection, kind: 'new' }).filter(({ end }) => end === 'accepted')
}

/** Those that may be of the same packets as one of `others`; all of them where there are no others. */
export function among(ways: readonly Way[], others: readonly Way[]): readonly Way[] {
  return others.length === 0 ? ways : ways.filter(way => others.some(other => agree(way, other)))
}

/**
 * What the change makes of a connection that passes now. Ways of both rule sets are set side by side where they assume
 * nothing that contradicts: the packets are the same, so each question has one answer. `from`: ways of whoever it is.
 */
export function compare(now: Ruleset, then: Ruleset, connection: Connection, from: readonly Way[] = []): Difference {
  const passes = among(waysIn(now, connection), from).filter(({ end }) => end === 'accepted')
  const possible = among(waysIn(then, connection), from).filter(way => passes.some(pass => agree(pass, way)))
  const dropped = possible.find(({ end }) => end === 'dropped')
  if (!dropped?.by) return { is: 'none' }
  return possible.every(({ end }) => end === 'dropped')
    ? { is: 'cut', by: dropped.by }
    : { is: 'maybe', because: dropped.doubt ?? dropped.by }
}

/** The rule that keeps a connection out now, whole or in part, and would not do so any more; null when there is none. */
export function opened(now: Ruleset, then: Ruleset, connection: Connection): Place | null {
  const passes = waysIn(then, connection).filter(({ end }) => end === 'accepted')
  const kept = waysIn(now, connection).find(way => way.end === 'dropped' && passes.some(pass => agree(pass, way)))
  return kept?.by ?? null
}

/** The same connection is asked about several times, and the way through thousands of rules is long. */
const known = new WeakMap<Ruleset, Map<string, readonly Way[]>>()

function waysIn(ruleset: Ruleset, connection: Connection): readonly Way[] {
  const ways = known.get(ruleset) ?? new Map<string, readonly Way[]>()
  known.set(ruleset, ways)
  const key = JSON.stringify(connection)
  const found = ways.get(key) ?? waysOfConnection(ruleset, connection)
  ways.set(key, found)
  return found
}

function agree(one: Way, other: Way): boolean {
  for (const [question, answer] of one.assuming) {
    if ((other.assuming.get(question) ?? answer) !== answer) return false
  }
  return true
}
