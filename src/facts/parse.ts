/** The probe's answer → Facts. All interpreting happens here and in the files beside it; the host only collects. */
import { ProbeError } from '../errors.ts'
import { plain } from '../lang/text.ts'
import { censusOf } from './census.ts'
import type { Facts, Family, FirewallOwner } from './facts.ts'
import { directoriesOf, filesOf } from './files.ts'
import { flowsOf } from './flows.ts'
import { familyOf, logOf, maxPath, memoryOf, numbersOf, providerOf, statesOf, statsOf } from './kernel.ts'
import { isRoot, type Look, numberIn, readLook, wholeFiles } from './look.ts'
import { containerOf, initOf, managersOf, ownersOf, writableOf } from './place.ts'
import { backendOf, natOf, passiveOf, type Rules, rulesOf } from './rules.ts'
import { ownNftOf, rulesetOf } from './ruleset.ts'
import { modprobeSettings, moduleLoadSettings, sysctlSettings, ufwOf } from './settings.ts'
import { trackingOf } from './tracking.ts'

/** What a look may take over from the one before it. */
export type Known = Pick<Facts, 'log' | 'states'>

/**
 * Understands what the probe printed; what is `known` it was not asked for. Throws ProbeError, one line, when it is cut off
 * or not what the probe prints.
 */
export function parseProbe(host: string, stdout: string, nonce: string, known?: Known): Facts {
  const look = readLook(host, stdout, nonce)
  const uname = /^uname (\S+) (\S+)$/m.exec(look.sections.get('host') ?? '')
  if (!uname) throw new ProbeError(host, `${host}: the host did not say which kernel it runs`)
  const family = familyOf(look)
  const init = initOf(look)
  const ufw = ufwOf(look)
  const rules = rulesOf(look)
  const managers = managersOf(look, rules)
  const container = containerOf(look, family)
  const memory = memoryOf(look)
  const log = known ? known.log : logOf(look, look.sections.get('log') ?? '')
  return {
    kernel: plain(uname[1] ?? ''),
    machine: plain(uname[2] ?? ''),
    os: osOf(look),
    init,
    bootId: firstLine(look, '/proc/sys/kernel/random/boot_id'),
    machineId: firstLine(look, '/etc/machine-id') ?? firstLine(look, '/var/lib/dbus/machine-id'),
    uptimeSeconds: uptimeIn(look, look.values),
    root: isRoot(look),
    family,
    providedBy: providerOf(look, family),
    ...numbersOf(look, family),
    earlier: earlierOf(look, family),
    log,
    states: known ? known.states : statesOf(look),
    flows: flowsOf(look),
    ...censusOf(look),
    ...memory,
    pageBytes: Number(/^page (\d+)$/m.exec(look.sections.get('host') ?? '')?.[1] ?? 4096),
    nat: natOf(look, rules),
    statefulRules: rules.stateful,
    ruleset: rulesetOf(look),
    ownNft: ownNftOf(look),
    tracking: trackingOf(look),
    firewall: firewallOf(look, rules, ownersOf(look, managers, ufw)),
    managers,
    ...toolsOf(look),
    forwarding: {
      ipv4: firstLine(look, '/proc/sys/net/ipv4/ip_forward') === '1',
      ipv6: firstLine(look, '/proc/sys/net/ipv6/conf/all/forwarding') === '1',
    },
    localPorts: localPortsOf(firstLine(look, '/proc/sys/net/ipv4/ip_local_port_range')),
    writable: writableOf(look, family, container),
    ownsKernel: container === null,
    container: container === null ? null : plain(container),
    modules: modulesOf(look),
    sysctlSettings: sysctlSettings(look, init, ufw),
    modprobeSettings: modprobeSettings(look, init),
    moduleLoadSettings: moduleLoadSettings(look, init),
    files: filesOf(look),
    directories: directoriesOf(look),
    ufw,
    managementPath: managementPathOf(look),
    passive: passiveOf(look),
    unreadable: unreadableOf(look, family, { log, rules, memory }),
    ...looksOf(look),
  }
}

/** Of several the first owns the rules; who else puts its own in force at boot is told where there is one. */
function firewallOf(
  look: Look,
  rules: Rules,
  [owner = 'none', ...others]: readonly FirewallOwner[],
): Facts['firewall'] {
  const also = others.filter(name => RESTORING.includes(name))
  return { ...backendOf(look, rules, owner), ...(also.length > 0 ? { also } : {}) }
}

const RESTORING: readonly FirewallOwner[] = [
  'firewalld',
  'ufw',
  'iptables-services',
  'netfilter-persistent',
  'nftables',
]

function looksOf(look: Look): Pick<Facts, 'looks'> {
  const looks = [...look.sections].filter(([name]) => /^look \d+$/.test(name)).map(([, text]) => text)
  return looks.length > 0 ? { looks } : {}
}

function localPortsOf(text: string | null | undefined): Facts['localPorts'] {
  const [, from, to] = /^(\d{1,5})\s+(\d{1,5})$/.exec(text?.trim() ?? '') ?? []
  return from && to && Number(from) <= Number(to) ? { from: Number(from), to: Number(to) } : null
}

function toolsOf(look: Look): Pick<Facts, 'tools' | 'ipv6'> {
  const section = look.sections.get('host') ?? ''
  const words = (/^tools((?: \S+)*)$/m.exec(section)?.[1] ?? '').split(' ')
  const has = (name: string): boolean => words.includes(name)
  return {
    tools: { conntrack: has('conntrack'), iptables: has('iptables'), ip6tables: has('ip6tables'), nft: has('nft') },
    ipv6: /^ipv6$/m.test(section),
  }
}

function firstLine(look: Look, path: string): string | null {
  const text = look.values.get(path)?.[0]?.trim()
  return text ? plain(text) : null
}

function osOf(look: Look): string | null {
  for (const path of ['/etc/os-release', '/usr/lib/os-release', '/etc/openwrt_release']) {
    for (const line of look.values.get(path) ?? []) {
      const name = /^(?:PRETTY_NAME|DISTRIB_DESCRIPTION)=["']?(.*?)["']?$/.exec(line)?.[1]
      if (name) return plain(name)
    }
  }
  return firstLine(look, '/etc/redhat-release') ?? firstLine(look, '/etc/alpine-release')
}

function uptimeIn(look: Look, values: Look['values']): number {
  const text = values.get('/proc/uptime')?.[0] ?? ''
  const seconds = /^(\d+(?:\.\d+)?) /.exec(text)?.[1]
  if (seconds === undefined) throw new ProbeError(look.host, `${look.host}: /proc/uptime holds no number`)
  return Number(seconds)
}

/** Beside the limit, in the same directory. */
const countPath = (family: Family): string => maxPath(family).replace(/_max$/, '_count')

function earlierOf(look: Look, family: Family | null): Facts['earlier'] {
  const section = look.sections.get('earlier-stat')
  if (section === undefined) return null
  const values = wholeFiles(section)
  const seconds = uptimeIn(look, look.values) - uptimeIn(look, values)
  const count = family === null ? null : numberIn({ ...look, values }, countPath(family))
  return {
    stats: family === null ? null : statsOf(look, values, family),
    ...(count === null ? {} : { count }),
    log: logOf(look, look.sections.get('earlier-log') ?? ''),
    secondsBefore: Math.round(seconds * 10) / 10,
  }
}

const RELATED =
  /conntrack|(^|_)nat(_|$)|^(xt|ipt)_(state|CT|NOTRACK|MASQUERADE)$|^nft_ct$|^nf_defrag|^ip_vs|^act_ct$|^openvswitch$/

/** Modules by name, and all that stand on them: `name size references users state address`. */
function modulesOf(look: Look): Facts['modules'] {
  const lines = look.values.get('/proc/modules')
  if (lines === undefined) return null
  const all = lines.map(line => {
    const [name = '', , refs = '', users = '', state] = line.split(' ')
    // `-` stands for a kernel that cannot unload, and for no users.
    return {
      name: plain(name),
      // -1 in one that is being taken out.
      refs: Math.max(0, Number(refs) || 0),
      users: users.split(',').filter(user => user !== '' && user !== '-'),
      ...(state === 'Unloading' ? { unloading: true as const } : {}),
    }
  })
  const related = new Set(all.filter(({ name }) => RELATED.test(name)).map(({ name }) => name))
  const usersOf = new Map(all.map(({ name, users }) => [name, users]))
  // A set grows while it is walked: users of users are followed too.
  for (const name of related) for (const user of usersOf.get(name) ?? []) related.add(user)
  return all.filter(({ name }) => related.has(name))
}

function managementPathOf(look: Look): Facts['managementPath'] {
  const match = /^SSH_CONNECTION=(\S+) (\d+) (\S+) (\d+)$/m.exec(look.sections.get('connection') ?? '')
  if (!match) return null
  const [, clientAddress = '', clientPort, serverAddress = '', serverPort] = match
  return {
    clientAddress: plain(clientAddress),
    clientPort: Number(clientPort),
    serverAddress: plain(serverAddress),
    serverPort: Number(serverPort),
  }
}

function unreadableOf(
  look: Look,
  family: Family | null,
  found: { readonly log: Facts['log']; readonly rules: Rules; readonly memory: Pick<Facts, 'entryBytes'> },
): string[] {
  const isHidden = (path: string): boolean => look.present.get(path)?.readable === false
  return [
    ...(found.log === null ? ['dmesg'] : []),
    ...(family !== null && found.memory.entryBytes === null ? ['slabinfo'] : []),
    ...(family !== null && isHidden(`/sys/module/${family}/parameters/hashsize`) ? ['hashsize'] : []),
    ...(isHidden('/proc/net/ip_tables_names') ? ['ip_tables_names'] : []),
    ...(found.rules.complete ? [] : ['rules']),
    ...(family !== null && isHidden(`/proc/net/${family}`) ? [family] : []),
  ]
}
