/** A rule of ours, whoever will hold it: as words of iptables, as text of nft, and as nft's JSON. */
import type { Family } from './address.ts'
import type { PortRange } from './match.ts'

export interface OwnRule {
  /** null: every protocol. `icmp` is that of the packet's family. */
  readonly protocol: 'tcp' | 'udp' | 'icmp' | null
  /** One address or network. */
  readonly from?: string
  readonly to?: string
  readonly fromPorts?: readonly PortRange[]
  readonly toPorts?: readonly PortRange[]
  /** Only what stays on the machine: coming in by lo, or going out by it. */
  readonly loopback?: 'in' | 'out'
  /** Only what is meant for this machine itself. */
  readonly local?: true
  /** TCP that does not open a connection. */
  readonly answers?: true
  /** Numbers of the family's own ICMP. */
  readonly icmpTypes?: readonly number[]
  readonly states?: readonly ('invalid' | 'untracked')[]
  readonly does: 'notrack' | 'accept'
}

/** xt_multiport takes 15 numbers, and a range is two of them (XT_MULTI_PORTS in xt_multiport.h). */
const MOST_PORTS = 15

export interface Spelling {
  readonly family: Family
  /** The match that knows the state UNTRACKED: `conntrack`; on 2.6.18, `state`, and there the target CT is not known either. */
  readonly stateMatch: 'conntrack' | 'state'
}

/** The rule in the words of iptables-save; several where one cannot hold all ports or types. */
export function iptablesWords(rule: OwnRule, { family, stateMatch }: Spelling): string[][] {
  const { protocol, from, to, loopback, answers, local, states, does } = rule
  const option = (name: string, value: string | undefined): string[] => (value === undefined ? [] : [name, value])
  const head = [
    ...option('-s', from && masked(from, family)),
    ...option('-d', to && masked(to, family)),
    ...option('-i', loopback === 'in' ? 'lo' : undefined),
    ...option('-o', loopback === 'out' ? 'lo' : undefined),
    ...option('-p', protocol === 'icmp' && family === 6 ? 'ipv6-icmp' : (protocol ?? undefined)),
  ]
  const tail = [
    // FIN is not among them: kernels before 3.2.24 let SYN with FIN open a connection.
    ...(answers ? ['!', '--tcp-flags', 'SYN,RST,ACK', 'SYN'] : []),
    ...(local ? ['-m', 'addrtype', '--dst-type', 'LOCAL'] : []),
    ...(states ? stateWords(states, stateMatch) : []),
    ...(does === 'accept' ? ['-j', 'ACCEPT'] : stateMatch === 'state' ? ['-j', 'NOTRACK'] : ['-j', 'CT', '--notrack']),
  ]
  return detailsOf(rule, family).map(detail => [...head, ...detail, ...tail])
}

/** As a save prints it, so that what is read back is the same. */
function masked(address: string, family: Family): string {
  return address.includes('/') ? address : `${address}/${family === 4 ? 32 : 128}`
}

function stateWords(states: readonly string[], match: Spelling['stateMatch']): string[] {
  const names = states.map(state => state.toUpperCase()).join(',')
  return match === 'state' ? ['-m', 'state', '--state', names] : ['-m', 'conntrack', '--ctstate', names]
}

/** The words between protocol and flags; ports of both sides are never asked in one rule of ours with more than one each. */
function detailsOf({ protocol, fromPorts, toPorts, icmpTypes, answers }: OwnRule, family: Family): string[][] {
  if (protocol === 'icmp') {
    const [match, name] = family === 4 ? ['icmp', '--icmp-type'] : ['icmp6', '--icmpv6-type']
    return (icmpTypes ?? []).map(type => ['-m', match, name, String(type)])
  }
  if (protocol === null) return [[]]
  const [single] = [fromPorts, toPorts].map(ports => ports?.length ?? 0)
  if ((fromPorts?.length ?? 0) <= 1 && (toPorts?.length ?? 0) <= 1) {
    const words = [...portWords('--sport', fromPorts), ...portWords('--dport', toPorts)]
    return [words.length > 0 || answers ? ['-m', protocol, ...words] : []]
  }
  const [several = [], one] = single && single > 1 ? [fromPorts, toPorts] : [toPorts, fromPorts]
  const name = several === fromPorts ? ['--sports', '--dport'] : ['--dports', '--sport']
  return chunks(several).map(ports => [
    ...(one || answers ? ['-m', protocol, ...portWords(name[1] ?? '', one)] : []),
    ...['-m', 'multiport', name[0] ?? '', ports.map(iptablesRange).join(',')],
  ])
}

const portWords = (name: string, ports: readonly PortRange[] | undefined): string[] =>
  ports?.[0] ? [name, iptablesRange(ports[0])] : []

const iptablesRange = ({ from, to }: PortRange): string => (from === to ? String(from) : `${from}:${to}`)

function chunks(ports: readonly PortRange[]): PortRange[][] {
  const groups: PortRange[][] = []
  let room = 0
  for (const range of ports) {
    const size = range.from === range.to ? 1 : 2
    if (size > room) {
      groups.push([])
      room = MOST_PORTS
    }
    groups.at(-1)?.push(range)
    room -= size
  }
  return groups
}
