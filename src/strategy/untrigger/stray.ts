/** Rules that ask for tracking and do nothing else: proven by the rules around them, never guessed. */
import type { Trigger } from '../../firewall/triggers.ts'
import { type ChainView, type Entry, type TableView, tableKey } from './chains.ts'
import { chainKey, type Scene } from './scene.ts'

/** Why the rule does nothing; null for one that may do something. */
export function strayReason(trigger: Trigger, scene: Scene): string | null {
  const key = tableKey(trigger.place)
  const table = scene.views.get(key)
  const chain = table?.chains.get(trigger.place.chain)
  const entry = chain?.entries[trigger.position - 1]
  if (!table || !chain || !entry || trigger.rule === null) return null
  return (
    noInterface(trigger, entry, scene) ??
    isBehind(trigger, scene) ??
    isOrphan(trigger, table, scene) ??
    isUseless(trigger, chain, scene)
  )
}

/** They come up and go down with what they connect: that one is down says nothing about its rules. */
const COME_AND_GO = new RegExp(
  `^(${[
    ...['ppp', 'wwan', 'wwp', 'wl', 'usb', 'enx', 'bnep'],
    ...['tun', 'tap', 'wg', 'l2tp', 'gre', 'ip6gre', 'erspan', 'sit', 'ip6tnl', 'ip6_?vti', 'vti', 'ipsec', 'xfrm'],
    ...['tailscale', 'zt', 'nordlynx', 'vnet', 'virbr', 'lxdbr'],
  ].join('|')})`,
)

/** One that is not there now may have been a minute ago: where packets came by, or are passed on at all, that proves nothing. */
function noInterface(trigger: Trigger, { parts }: Entry, { host }: Scene): string | null {
  const { kind, packets, families } = trigger
  const { interfaces, forwarding } = host
  if (kind !== 'nat' || interfaces === null || interfaces.length === 0) return null
  // Nobody has counted what was sent on by it.
  if (packets === null && sendsOn(trigger)) return null
  const forwards = families.some(family => (family === 4 ? forwarding.ipv4 : forwarding.ipv6))
  if ((packets ?? 0) > 0 || forwards) return null
  for (const { condition, not } of parts[0]?.matches ?? []) {
    if (condition.is !== 'interface' || not || COME_AND_GO.test(condition.name)) continue
    const { name } = condition
    const isThere = name.endsWith('*')
      ? interfaces.some(other => other.startsWith(name.slice(0, -1)))
      : interfaces.includes(name)
    if (!isThere) return `there is no interface ${name} here`
  }
  return null
}

/** A translation of what comes in, by which a service of this host or of another one may be reached. */
const sendsOn = ({ line }: Trigger): boolean => /-j (DNAT|REDIRECT|NETMAP)\b|(^|\s)(dnat|redirect)(\s|$)/.test(line)

function isBehind({ place, position }: Trigger, { ends }: Scene): string | null {
  const end = ends.get(chainKey(tableKey(place), place.chain))
  if (end === undefined || end >= position - 1) return null
  return `no packet comes to it: rule ${end + 1} of ${place.chain} takes them all`
}

function isOrphan({ place }: Trigger, { opaque }: TableView, { reached }: Scene): string | null {
  const isReached = opaque || reached.get(tableKey(place))?.has(place.chain)
  return isReached ? null : `nothing leads to chain ${place.chain}`
}

/** An accept where everything after it, and the policy, accepts as well. */
function isUseless({ place, position }: Trigger, { base, entries }: ChainView, { gone }: Scene): string | null {
  if (base?.policy !== 'accept') return null
  const leaving = gone.get(chainKey(tableKey(place), place.chain))
  for (const [index, { parts, plain }] of entries.slice(position - 1).entries()) {
    if (index > 0 && leaving?.has(position - 1 + index)) continue
    if (!plain || parts.some(({ verdict }) => verdict.is !== 'accept')) return null
  }
  return `all after it in ${place.chain} accepts, so it decides nothing`
}
