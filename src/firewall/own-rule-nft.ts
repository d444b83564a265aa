/** Rules of ours as nft has them: its text, as `nft -s list` prints it back, and the expressions of its JSON. */
import type { Family } from './address.ts'
import type { PortRange } from './match.ts'
import { ICMP_NAMES } from './nft-icmp.ts'
import type { OwnRule } from './own-rule.ts'
import { joined } from './stretches.ts'

/** Part of a rule: what nft prints, and what its JSON says. */
interface Part {
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

export interface NftRule {
  readonly text: string
  readonly expr: readonly Readonly<Record<string, unknown>>[]
}

/**
 * `family` null: packets of both. A rule about addresses or ICMP is one family's anyway. `isTable`: the table is that
 * family's own, so no rule need say it.
 */
export function nftRule(rule: OwnRule, family: Family | null, isTable = false): NftRule {
  const { does, states } = rule
  const parts: Part[] = [
    ...familyPart(rule, isTable ? null : family),
    ...addressPart('saddr', rule.from),
    ...addressPart('daddr', rule.to),
    ...interfacePart(rule),
    ...(rule.local
      ? [compared('fib daddr type', { fib: { result: 'type', flags: ['daddr'] } }, ['local'], plainly)]
      : []),
    ...icmpPart(rule, family ?? 4),
    ...portPart(rule, 'sport', rule.fromPorts),
    ...portPart(rule, 'dport', rule.toPorts),
    ...(rule.answers ? [NOT_SYN] : []),
    ...protocolPart(rule),
    ...(states ? [compared('ct state', { ct: { key: 'state' } }, states, plainly, 'in')] : []),
    { text: 'counter', json: { counter: { packets: 0, bytes: 0 } } },
    { text: does, json: { [does]: null } },
  ]
  return { text: parts.map(({ text }) => text).join(' '), expr: parts.map(({ json }) => json) }
}

function plainly(value: unknown): string {
  return String(value)
}

/** `{"match": …}`; several values are a set. */
function compared(
  name: string,
  left: unknown,
  values: readonly unknown[],
  show: (value: unknown) => string,
  op = '==',
): Part {
  const [only] = values
  // States are bits, and nft writes them without braces.
  const list = op === 'in' ? values.map(show).join(',') : `{ ${values.map(show).join(', ')} }`
  const right = values.length === 1 ? only : op === 'in' ? values : { set: values }
  return { text: `${name} ${values.length === 1 ? show(only) : list}`, json: { match: { op, left, right } } }
}

/** FIN is not among them: kernels before 3.2.24 let SYN with FIN open a connection. */
const NOT_SYN: Part = {
  text: 'tcp flags & (syn | rst | ack) != syn',
  json: {
    match: {
      op: '!=',
      left: { '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, { '|': ['syn', 'rst', 'ack'] }] },
      right: 'syn',
    },
  },
}

/** Only where nothing else of the rule says it. */
function familyPart({ from, to, protocol }: OwnRule, family: Family | null): Part[] {
  if (family === null || from || to || protocol === 'icmp') return []
  return [compared('meta nfproto', { meta: { key: 'nfproto' } }, [family === 4 ? 'ipv4' : 'ipv6'], plainly)]
}

function addressPart(field: 'saddr' | 'daddr', address: string | undefined): Part[] {
  if (address === undefined) return []
  const protocol = address.includes(':') ? 'ip6' : 'ip'
  const [addr = '', len] = address.split('/')
  const right = len === undefined ? addr : { prefix: { addr, len: Number(len) } }
  const left = { payload: { protocol, field } }
  return [{ text: `${protocol} ${field} ${address}`, json: { match: { op: '==', left, right } } }]
}

function interfacePart({ loopback }: OwnRule): Part[] {
  if (!loopback) return []
  const key = loopback === 'in' ? 'iifname' : 'oifname'
  return [compared(key, { meta: { key } }, ['lo'], name => `"${String(name)}"`)]
}

function icmpPart({ icmpTypes, protocol }: OwnRule, family: Family): Part[] {
  if (protocol !== 'icmp' || !icmpTypes) return []
  const name = family === 4 ? 'icmp' : 'icmpv6'
  // nft prints a set in the order of its numbers.
  const sorted = icmpTypes.toSorted((a, b) => a - b)
  const words = sorted.map(
    type => Object.entries(ICMP_NAMES[name]).find(([, number]) => number === type)?.[0] ?? String(type),
  )
  return [compared(`${name} type`, { payload: { protocol: name, field: 'type' } }, words, plainly)]
}

function portPart({ protocol }: OwnRule, field: 'sport' | 'dport', ports: readonly PortRange[] | undefined): Part[] {
  if (!ports || protocol === null) return []
  const values = asIntervals(ports).map(({ from, to }) => (from === to ? from : { range: [from, to] }))
  const show = (value: unknown): string => (typeof value === 'number' ? String(value) : rangeText(value))
  return [compared(`${protocol} ${field}`, { payload: { protocol, field } }, values, show)]
}

/** In a set that holds a range nft joins neighbours, single ports too. */
function asIntervals(ports: readonly PortRange[]): readonly PortRange[] {
  return ports.every(({ from, to }) => from === to) ? ports : joined(ports)
}

function rangeText(value: unknown): string {
  const range = typeof value === 'object' && value !== null && 'range' in value ? value.range : []
  return Array.isArray(range) ? range.join('-') : ''
}

/** A protocol of which nothing else is asked. */
function protocolPart({ protocol, fromPorts, toPorts, answers }: OwnRule): Part[] {
  if (protocol === null || protocol === 'icmp' || fromPorts || toPorts || answers) return []
  return [compared('meta l4proto', { meta: { key: 'l4proto' } }, [protocol], plainly)]
}
