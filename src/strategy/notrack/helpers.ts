/** Helpers follow one connection and announce others, which come in as RELATED: neither lives without its entry. */
import type { Facts } from '../../facts/facts.ts'
import { holdsPort, type PortRange } from '../../firewall/match.ts'
import { type Packet, walk } from '../../firewall/packet.ts'
import { type Ruleset, rulesOf } from '../../firewall/ruleset.ts'
import { portStretches } from '../../firewall/stretches.ts'
import type { Blocker } from '../strategy.ts'
import { type Options, portsText } from './options.ts'

/** What helpers follow (net/netfilter/nf_conntrack_*.c), by their names in rules; their modules are called after them. */
const HELPERS: readonly { readonly name: string; readonly protocol: 'tcp' | 'udp'; readonly port: number }[] = [
  { name: 'ftp', protocol: 'tcp', port: 21 },
  { name: 'tftp', protocol: 'udp', port: 69 },
  { name: 'sip', protocol: 'udp', port: 5060 },
  { name: 'sip', protocol: 'tcp', port: 5060 },
  { name: 'irc', protocol: 'tcp', port: 6667 },
  { name: 'pptp', protocol: 'tcp', port: 1723 },
  { name: 'h323', protocol: 'tcp', port: 1720 },
  { name: 'amanda', protocol: 'udp', port: 10_080 },
  { name: 'snmp', protocol: 'udp', port: 161 },
  { name: 'netbios_ns', protocol: 'udp', port: 137 },
]

/** A port that a helper follows, and ports of the connections it announces. */
export function helperBlockers(wanted: Options, facts: Facts, live: Ruleset): Blocker[] {
  const here = helpersHere(facts, live)
  const followed = HELPERS.flatMap(({ name, protocol, port }): Blocker[] => {
    const by = here.get(name)
    if (!by || !holdsPort(wanted[protocol], port)) return []
    const message = `${by} follows ${protocol} port ${port}: untracked, the connections it announces would not be let in`
    return [{ code: 'helper-on-port', message, forceable: true }]
  })
  const [by] = here.values()
  return by === undefined ? followed : [...followed, ...announced(wanted.tcp, live, by)]
}

/** By name, with what shows it: a module that follows its port by itself (before 4.7), or a rule that puts it on one. */
function helpersHere({ modules }: Facts, live: Ruleset): Map<string, string> {
  const found = new Map<string, string>()
  for (const { name } of modules ?? []) {
    const helper = /^(?:nf|ip)_conntrack_(\w+)$/.exec(name)?.[1]
    if (helper && HELPERS.some(known => known.name === helper)) found.set(helper, name)
  }
  for (const { line } of rulesOf(live)) {
    const helper = /-j CT .*--helper (\w+)|\bct helper "?(\w+)/.exec(line)
    const name = helper?.[1] ?? helper?.[2]
    if (name) found.set(name, `"${line}"`)
  }
  return found
}

/** Let in as RELATED, and not when they are new: the data connections of FTP without a rule of their own. */
function announced(ports: readonly PortRange[], live: Ruleset, by: string): Blocker[] {
  const families = ([4, 6] as const).filter(family =>
    live.tables.some(table => table.family !== (family === 4 ? 'ip6' : 'ip')),
  )
  const shut = portStretches(live, ports).filter(({ from }) =>
    families.some(family => {
      const packet = (state: 'new' | 'related'): Packet => ({
        ...{ family, protocol: 'tcp', direction: 'in', source: null, destination: null, sourcePort: null },
        ...{ destinationPort: from, tcpFlags: 'syn', state, translated: false },
      })
      return walk(live, packet('new')).is === 'dropped' && walk(live, packet('related')).is === 'accepted'
    }),
  )
  if (shut.length === 0) return []
  const message = `tcp ${portsText(shut)} is let in only where ${by} announces it: untracked, it no longer would be; open it by a rule of its own first`
  return [{ code: 'helper-announces', message, forceable: true }]
}
