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
import { isSameSave } from '../firewall/same-save.ts'
import type { Blocker } from '../strategy/strategy.ts'
import { filedRuleset } from '../strategy/untrigger/filed.ts'

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
  const live = liveBlockers(changes, before, after, paths)
  // Most files say what is live: once is enough.
  const saved = savedBlockers(changes, before, after, paths).filter(({ code }) => !live.some(one => one.code === code))
  return [...live, ...saved]
}

function liveBlockers(changes: readonly Change[], before: Facts, after: Facts, paths: Paths): Blocker[] {
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

/** The same of what boot loads: a file may have another policy than what is live, or a last rule that drops. */
function savedBlockers(changes: readonly Change[], facts: Facts, after: Facts, { flows }: Paths): Blocker[] {
  return changes.flatMap(change => {
    if (change.kind !== 'file' || !change.before || !change.after) return []
    if (isLive(facts, change.before.content) && isLive(after, change.after.content)) return []
    const [now, then] = [change.before, change.after].map(({ content }) => {
      return filedRuleset(change.target, content, facts.ruleset)
    })
    if (!now || !then) return []
    const { managementPath: path } = facts
    const fresh = path ? connectionsOf(path).slice(1) : []
    return [...differenceBlockers(now, then, fresh), ...serviceBlockers(now, then, facts, flows)].map(blocker => ({
      ...blocker,
      message: `${blocker.message}, once boot has loaded ${change.target}`,
    }))
  })
}

/** What is live as well has been walked already; there may be thousands of rules. */
function isLive({ ruleset }: Facts, saved: string): boolean {
  const saves = (ruleset?.sources ?? []).filter(({ format }) => format === 'save').map(({ text }) => text)
  return saves.some(live => isSameSave(live, saved))
}

function managementBlockers(now: Ruleset, then: Ruleset, path: NonNullable<Facts['managementPath']>): Blocker[] {
  const connections = connectionsOf(path)
  const [open] = connections
  if (!open) return [unknownPath(`${path.serverAddress} is no address`)]
  // We came in, so rules by which nobody could are not all there is.
  const impossible = waysOfConnection(now, open.connection).every(({ end }) => end === 'dropped')
  return impossible
    ? [unknownPath(`by the rules that were read this connection to port ${path.serverPort} could not be`)]
    : differenceBlockers(now, then, connections)
}

interface Ours {
  readonly what: string
  readonly connection: Connection
}

/** The one that is open, and a new one; none where the address is none. */
function connectionsOf(path: NonNullable<Facts['managementPath']>): Ours[] {
  const server = { address: path.serverAddress, port: path.serverPort }
  const family = parseAddress(path.serverAddress)?.family
  if (!family) return []
  const about = { family, protocol: 'tcp', server } as const
  const open: Connection = { ...about, kind: 'open', client: { address: path.clientAddress, port: path.clientPort } }
  const fresh: Connection = { ...about, kind: 'new', client: { address: path.clientAddress, port: null } }
  const where = `to port ${path.serverPort}`
  return [
    { what: `this very connection ${where}`, connection: open },
    { what: `a new connection from here ${where}`, connection: fresh },
  ]
}

function differenceBlockers(now: Ruleset, then: Ruleset, ours: readonly Ours[]): Blocker[] {
  const differences = ours.map(({ what, connection }) => ({ what, found: compare(now, then, connection) }))
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
