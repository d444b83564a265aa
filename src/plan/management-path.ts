/**
 * Would the changed rules cut us off, or a service? Both rule sets are walked, as it is and as it will be: what is dropped
 * now already is no reason to refuse, and neither is a question that gets the same answer in both.
 */
import type { Change } from '../change/change.ts'
import type { Facts } from '../facts/facts.ts'
import { type Family, parseAddress } from '../firewall/address.ts'
import { compare } from '../firewall/compare.ts'
import { type Connection, waysOfConnection } from '../firewall/connection.ts'
import { readRuleset } from '../firewall/read.ts'
import { positionOf } from '../firewall/rule-state.ts'
import { describePlace, type Ruleset } from '../firewall/ruleset.ts'
import type { Blocker } from '../strategy/strategy.ts'

/** A port this host serves. */
export interface Flow {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

export interface Paths {
  readonly flows: readonly Flow[]
  /** The probe ran on this machine itself: there is no way in to lose. */
  readonly local: boolean
}

const RULE_KINDS: readonly Change['kind'][] = ['rule', 'chain', 'nft-table', 'nft-rule']

/** Blockers of a plan that changes rules; none when it changes no rule. `after` are the facts as the plan leaves them. */
export function pathBlockers(changes: readonly Change[], before: Facts, after: Facts, paths: Paths): Blocker[] {
  if (!changes.some(({ kind }) => RULE_KINDS.includes(kind))) return []
  const rules = changes.filter(change => change.kind === 'rule')
  const path = before.managementPath
  if (!before.ruleset || !after.ruleset) {
    return paths.local ? [] : [unknownPath('the live rules were not read, so nobody can say whether they let us in')]
  }
  const { ruleset } = before
  const missing = rules.find(({ before: rule }) => rule !== null && positionOf(ruleset, rule) === null)
  if (missing && !paths.local) return [unknownPath(`${missing.target} is not among the live rules that could be read`)]
  const [now, then] = [readRuleset(before.ruleset), readRuleset(after.ruleset)]
  const services = serviceBlockers(now, then, before, paths.flows)
  if (path) return [...managementBlockers(now, then, path), ...services]
  return paths.local ? services : [unknownPath('the address of our own connection is not known'), ...services]
}

function managementBlockers(now: Ruleset, then: Ruleset, path: NonNullable<Facts['managementPath']>): Blocker[] {
  const server = { address: path.serverAddress, port: path.serverPort }
  const family = parseAddress(path.serverAddress)?.family
  if (!family) return [unknownPath(`${path.serverAddress} is no address`)]
  const about = { family, protocol: 'tcp', server } as const
  const open: Connection = { ...about, kind: 'open', client: { address: path.clientAddress, port: path.clientPort } }
  const fresh: Connection = { ...about, kind: 'new', client: { address: path.clientAddress, port: null } }
  const where = `to port ${path.serverPort}`
  // We came in, so rules by which nobody could are not all there is.
  const impossible = waysOfConnection(now, open).every(({ end }) => end === 'dropped')
  if (impossible) return [unknownPath(`by the rules that were read this connection ${where} could not be`)]
  const differences = [
    { what: `this very connection ${where}`, found: compare(now, then, open) },
    { what: `a new connection from here ${where}`, found: compare(now, then, fresh) },
  ]
  for (const { what, found } of differences) {
    if (found.is !== 'cut') continue
    const message = `${what} would be dropped by ${describePlace(found.by)}`
    return [{ code: 'cuts-off-management', message, forceable: false }]
  }
  for (const { what, found } of differences) {
    if (found.is === 'maybe')
      return [unknownPath(`${what} may be dropped; it hangs on ${describePlace(found.because)}`)]
  }
  return []
}

function unknownPath(message: string): Blocker {
  return { code: 'management-path-unknown', message, forceable: true }
}

/** Clients of a service are anybody, in both families. */
function serviceBlockers(now: Ruleset, then: Ruleset, { managementPath }: Facts, flows: readonly Flow[]): Blocker[] {
  const ours = managementPath ? parseAddress(managementPath.serverAddress)?.family : undefined
  return flows.flatMap(({ protocol, port }) => {
    const families: readonly Family[] = [4, 6]
    for (const family of families) {
      const address = family === ours ? (managementPath?.serverAddress ?? null) : null
      const client = { address: null, port: null }
      const difference = compare(now, then, { family, protocol, kind: 'new', client, server: { address, port } })
      if (difference.is === 'none') continue
      const [who, place] = difference.is === 'cut' ? ['new', difference.by] : ['some new', difference.because]
      const message = `${who} IPv${family} connections to ${protocol} port ${port} would be dropped by ${describePlace(place)}`
      return [{ code: 'cuts-off-service', message, forceable: true }]
    }
    return []
  })
}
