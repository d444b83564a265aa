/** The rules of this host without states, live and saved, where it is the owner of its rules who keeps them as a save. */
import type { RuleChange } from '../../change/change.ts'
import type { Facts, RulesetText } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { type Packet, walk } from '../../firewall/packet.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { WantedFile } from '../edits.ts'
import type { Blocker } from '../strategy.ts'
import { type Declared, declaredOf } from './convert.ts'
import { convertLive } from './live.ts'
import { liveNeeds } from './needs.ts'
import type { Options } from './options.ts'
import { convertSaved } from './saved.ts'

export interface Stateless {
  readonly changes: readonly RuleChange[]
  /** The live rules as these changes leave them. */
  readonly ruleset: RulesetText | null
  readonly files: readonly WantedFile[]
  readonly warnings: readonly string[]
  readonly blockers: readonly Blocker[]
}

/** Who makes rules out of settings of its own: edited rules would be made anew by the next reload. */
const MAKERS: Readonly<Record<string, string>> = {
  firewalld: 'firewalld makes its rules itself and always asks for states',
  docker: 'docker makes its rules itself',
  'kube-proxy': 'kube-proxy makes its rules itself',
  openwrt: 'the firewall of OpenWrt makes its rules itself, by /etc/config/firewall',
}

/** What `stateless` comes to here; nothing at all where it was not asked for. */
export function stateless(wanted: Options, facts: Facts): Stateless {
  const { ruleset, firewall } = facts
  const none = { changes: [], ruleset, files: [], warnings: [], blockers: [] }
  if (!wanted.stateless || !ruleset) return none
  const maker = MAKERS[firewall.owner]
  if (maker !== undefined && liveNeeds(ruleset).length > 0) {
    return { ...none, blockers: [cannot(maker)] }
  }
  const declared = declaredOf(wanted, facts)
  const live = convertLive(ruleset, declared)
  const saved = convertSaved(facts, declared)
  const byNft = liveNeeds(live.ruleset).filter(({ place }) => place.backend === 'nft')
  const refused = [
    ...live.refused,
    ...saved.refused,
    ...byNft.map(({ name }) => `${name}: rules of nft are changed where they are kept`),
  ]
  const changed = live.changes.length + saved.files.length > 0
  return {
    changes: live.changes,
    ruleset: live.ruleset,
    files: saved.files,
    warnings: changed ? warningsOf(declared) : [],
    blockers: [
      ...refused.map(cannot),
      ...(changed ? tunnelBlockers(facts) : []),
      ...nameBlockers(ruleset, live.ruleset, declared, facts),
    ],
  }
}

function cannot(message: string): Blocker {
  return { code: 'cannot-convert', message, forceable: false }
}

/** Devices that speak something else than TCP, UDP and ICMP, or answer over UDP to whoever is no named server. */
const TUNNEL = /^(gre|ip6gre|erspan|ipip|tunl|sit|ip6tnl|vti|ip_vti|ip6_vti|xfrm|ipsec|l2tp|ppp|wg|tun)/
/** The kernel makes one of each with the module, whether anybody uses it or not. */
const FALLBACK = /^(gre|gretap|ip6gre|erspan|tunl|sit|ip6tnl|ip_vti|ip6_vti)0$/

function tunnelBlockers({ tracking }: Facts): Blocker[] {
  const found = (tracking?.interfaces ?? []).filter(name => TUNNEL.test(name) && !FALLBACK.test(name))
  if (found.length === 0) return []
  const message = `${found.join(', ')} may be a tunnel whose packets came in as answers only: let its protocol and peers in by rules of their own first`
  return [{ code: 'tunnel-in-use', message, forceable: true }]
}

/**
 * A host that asks on its own, or by a program of its own, finds no name any more once answers from anywhere stay out. By
 * the walk of such an answer, for it may come in by a rule of its own or because nothing drops it.
 */
function nameBlockers(before: RulesetText, after: RulesetText, { servers }: Declared, { tracking }: Facts): Blocker[] {
  if (servers.some(({ port }) => port === 53)) return []
  const [now, then] = [readRuleset(before), readRuleset(after)]
  const isLost = (family: Family): boolean =>
    walk(now, nameAnswer(family, 'established')).is !== 'dropped' &&
    walk(then, nameAnswer(family, 'untracked')).is === 'dropped'
  if (!isLost(4) && !isLost(6)) return []
  const named = tracking?.resolvers.join(', ')
  const known = named ? `only ${named} is known as name server, on this machine itself` : 'no name server is known'
  const message = `${known}: answers from anywhere else are not let in any more, so names are not found; say who is asked, in resolvers`
  return [{ code: 'no-resolver', message, forceable: true }]
}

const nameAnswer = (family: Family, state: Packet['state']): Packet => ({
  ...{ family, protocol: 'udp', direction: 'in', tcpFlags: 'other', state },
  ...{ source: null, sourcePort: 53, destination: null, destinationPort: null },
})

/** What rules without states cannot know. */
function warningsOf({ servers }: Declared): string[] {
  const has = (port: number): boolean => servers.some(server => server.port === port)
  const missing = [
    ...(has(53) ? [] : ['name servers (resolvers)']),
    ...(has(123) ? [] : ['time servers (time_servers)']),
  ]
  return [
    'answers are told by their flags from now on: TCP packets that open nothing reach every port, whoever sends them; over UDP only the named servers may answer, no DHCP server that renews an address among them; answers of no other protocol (ESP, GRE, SCTP, IPIP) are let in',
    ...(missing.length > 0
      ? [`no ${missing.join(' and ')} are known, so no answers of theirs are let in over UDP`]
      : []),
  ]
}
