/** Which states and which flows fill a table that has little room. */

import type { Census } from '../../facts/asked.ts'
import { formatShare } from '../../lang/numbers.ts'
import { censusIn, cutText, isOfOthers, portName, share, sharesText, stateName, sumOf } from '../census.ts'
import type { Rule } from '../finding.ts'
import { isStrained } from '../pressure.ts'

/** From here on one port or one peer is the matter. */
const MOST = 0.5

export const filledBy: Rule = facts => {
  const census = censusIn(facts)
  if (census === null || !isStrained(facts)) return null
  const named = (name: string, entries: number): { name: string; entries: number } => ({ name, entries })
  const states = census.states.map(state => named(stateName(state), state.entries))
  const ports = census.ports.map(port => named(portName(port), port.entries))
  const peers = census.peers.map(({ address, entries }) => named(address, entries))
  const [state, port, peer] = [states[0], ports[0], peers[0]]
  const other = peer && { ...peer, name: `peer ${peer.name}` }
  const much = [port, other].flatMap(one => (one && share(census, one.entries) >= MOST ? [one] : []))
  const who = (much.length > 0 ? much : [state].flatMap(one => one ?? [])).map(
    ({ name, entries }) => `${formatShare(share(census, entries))} ${name}`,
  )
  return {
    code: 'filled-by',
    severity: 'notice',
    title: `the table is filled by ${who.join(', ')}`,
    evidence: [
      `by state: ${sharesText(census, states)}`,
      `by port: ${sharesText(census, ports)}`,
      `by peer: ${sharesText(census, peers)}`,
      `${formatShare(share(census, sumOf(census, 'assured')))} are assured: the kernel throws none of those out to make room`,
      ...cutText(census),
    ],
    remedy: remedyFor(census),
  }
}

function remedyFor(census: Census): string {
  const [peer, port] = [census.peers[0], census.ports[0]]
  const isMost = (entries: number): boolean => share(census, entries) >= MOST
  if (peer && isMost(peer.entries)) {
    return `ask who ${peer.address} is: one peer with that many entries is a proxy, a gateway, a scanner or a leak of connections`
  }
  return port && isMost(port.entries) && isOfOthers(port)
    ? 'ask who opens them: this host is the client, or passes them on, so to untrack a service of its own does not help; a pool without a limit, or connections that nobody closes, may be the cause'
    : 'a service that needs no tracking can be taken out of the table: strategy notrack'
}
