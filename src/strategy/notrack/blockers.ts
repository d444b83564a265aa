/** Reasons to leave the flows tracked: something here lives on their entries. */
import type { Facts } from '../../facts/facts.ts'
import { type Family, isLoopback, parseAddress } from '../../firewall/address.ts'
import { holdsPort, overlaps, type PortRange } from '../../firewall/match.ts'
import { sentTo, translates, translatesAnybody, translatesSources } from '../../firewall/nat.ts'
import { familyName } from '../../firewall/rule-state.ts'
import { describePlace, type Ruleset } from '../../firewall/ruleset.ts'
import { portStretches } from '../../firewall/stretches.ts'
import { notOwnKernel } from '../ownership.ts'
import type { Blocker } from '../strategy.ts'
import { helperBlockers } from './helpers.ts'
import { type Options, portsText } from './options.ts'
import { familiesWith, portsChosen } from './rules.ts'

/** What is here before a rule is thought of. `live` are the rules as they are. */
export function blockersOf(wanted: Options, facts: Facts, all: Ruleset): Blocker[] {
  const live = ofFamilies(all, familiesWith(wanted))
  return [
    ...orchestrated(facts, all),
    ...translated(wanted, facts, live),
    ...helperBlockers(wanted, facts, live),
    ...management(wanted, facts),
  ]
}

/** Rules of the other family meet none of the flows. */
function ofFamilies(ruleset: Ruleset, families: readonly Family[]): Ruleset {
  const others = ([4, 6] as const).filter(family => !families.includes(family)).map(familyName)
  return { ...ruleset, tables: ruleset.tables.filter(({ family }) => !others.some(other => other === family)) }
}

/** Whether this host and what could be read of it allow a plan at all. */
export function unreadBlockers({ root, ruleset, container, ownsKernel, writable }: Facts): Blocker[] {
  const blocker = (code: string, message: string): Blocker => ({ code, message, forceable: false })
  // A network namespace of its own has rules of its own, whoever owns the kernel.
  if (!ownsKernel && container !== 'netns' && container !== 'limits read-only') return [notOwnKernel({ container })]
  if (!root) return [blocker('needs-root', 'the login user is not root: run with --become')]
  if (!writable.etc) return [blocker('etc-read-only', '/etc is read-only, so nothing would survive a reboot')]
  if (ruleset === null || !ruleset.complete) {
    return [
      blocker('rules-unread', 'not all live rules could be read, so nobody can say what untracked packets would meet'),
    ]
  }
  return []
}

const ORCHESTRATORS = ['kube-proxy', 'kubelet', 'cilium', 'calico']

function orchestrated({ managers }: Facts, { tables }: Ruleset): Blocker[] {
  const chain = tables
    .flatMap(({ chains }) => [...chains.keys()])
    .find(name => /^(KUBE-|cali-|CILIUM_|CNI-)/.test(name))
  const manager = managers.find(name => ORCHESTRATORS.includes(name))
  if (!chain && !manager) return []
  const what = manager ? `${manager} runs here` : `chain ${chain} is here`
  const message = `${what}: its services and policies are made of connection tracking`
  return [{ code: 'cluster-needs-tracking', message, forceable: false }]
}

/** Packets that are not tracked are not translated. */
function translated(wanted: Options, facts: Facts, live: Ruleset): Blocker[] {
  const { all, local_out: out, tcp, udp } = wanted
  const [evidence] = facts.nat.evidence
  if ((all || out) && facts.nat.inUse) {
    const message = `addresses are translated here (${evidence}): untracked packets would not be`
    return [{ code: 'nat-in-use', message, forceable: false }]
  }
  if (all && (facts.forwarding.ipv4 || facts.forwarding.ipv6)) {
    const message =
      "this host forwards packets, and rules about the states of others' connections would not match them any more"
    return [{ code: 'forwards', message, forceable: false }]
  }
  return [
    ...(['tcp', 'udp'] as const).flatMap(protocol => onFlow(protocol, protocol === 'tcp' ? tcp : udp, facts, live)),
    ...gateway(wanted, facts, live),
  ]
}

/** Ports that rules translate, or send connections of other ports to. */
function onFlow(protocol: 'tcp' | 'udp', ports: readonly PortRange[], facts: Facts, live: Ruleset): Blocker[] {
  const blocker = (message: string): Blocker => ({ code: 'nat-on-flow', message, forceable: false })
  const translated = portStretches(live, ports).flatMap(({ from: port }) => {
    const place = translates(live, protocol, port)
    if (!place) return []
    return [
      blocker(`${protocol} port ${port} is translated by ${describePlace(place)}: untracked, its packets would not be`),
    ]
  })
  const sent = sentTo(live, protocol, ports, address => isOwnAddress(address, facts))
  if (!sent) return translated
  const message = `connections are sent to ${protocol} ${portsText(ports)} by ${describePlace(sent)}: untracked, their answers would leave from the wrong port`
  return [...translated, blocker(message)]
}

/** As far as can be seen: its own end of our connection, and of live entries. */
function isOwnAddress(text: string, { flows, managementPath }: Facts): boolean {
  const address = parseAddress(text)
  if (!address || isLoopback(address)) return true
  const own = [...(flows?.addresses ?? []), managementPath?.serverAddress ?? '']
  return own.some(word => parseAddress(word)?.value === address.value)
}

/** One that translates for others: connections of theirs come back to ports of this host. */
function gateway({ tcp, udp }: Options, facts: Facts, live: Ruleset): Blocker[] {
  const { forwarding } = facts
  if (!forwarding.ipv4 && !forwarding.ipv6) return []
  const anybody = translatesAnybody(live)
  if (anybody) {
    const message = `this host translates for others (${describePlace(anybody)}): connections of theirs that end here may be among the flows`
    return [{ code: 'nat-gateway', message, forceable: true }]
  }
  const some = translatesSources(live)
  const own = portsChosen(facts)
  const chosen = [...tcp, ...udp].filter(range => overlaps([range], own))
  if (!some || chosen.length === 0) return []
  const message = `this host translates for others (${describePlace(some)}), and their connections may use the ports ${portsText(chosen)}: untracked, what comes back would not reach them`
  return [{ code: 'nat-gateway', message, forceable: true }]
}

/** Asked for by its number: nobody does that to save entries. */
function management({ tcp }: Options, { managementPath: path }: Facts): Blocker[] {
  if (!path || !holdsPort(tcp, path.serverPort)) return []
  const message = `tcp port ${path.serverPort} is the one we came in by`
  return [{ code: 'management-port', message, forceable: true }]
}
