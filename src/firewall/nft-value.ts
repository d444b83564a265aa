/** Values in nft's JSON: numbers, names, prefixes, ranges, and sets of them. */

import { isRecord } from '../lang/record.ts'
import { type AddressRange, parseNetwork, parseRange } from './address.ts'
import type { PortRange } from './match.ts'

/** A set with a name: its elements are not in the look. */
export const isNamedSet = (right: unknown): boolean => typeof right === 'string' && right.startsWith('@')

/** One value or many, without their braces; null for a named set. */
export function valuesOf(right: unknown): readonly unknown[] | null {
  if (isNamedSet(right)) return null
  if (isRecord(right) && Array.isArray(right.set)) return right.set.map(plainElement)
  return Array.isArray(right) ? right : [right]
}

/** Elements may carry a timeout or a counter: `{"elem":{"val":…}}`. */
function plainElement(element: unknown): unknown {
  return isRecord(element) && isRecord(element.elem) ? element.elem.val : element
}

/** The name that iptables uses. */
export const protocolName = (name: string): string => (name === 'icmpv6' ? 'ipv6-icmp' : name)
/** Protocols that are listed by number. */
export const NUMBERS: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 1: 'icmp', 58: 'ipv6-icmp' }

/** null for what is none, a name among them. */
export function addressRange(value: unknown): AddressRange | null {
  if (typeof value === 'string') return parseNetwork(value)
  if (!isRecord(value)) return null
  if (isRecord(value.prefix)) return parseNetwork(`${String(value.prefix.addr)}/${String(value.prefix.len)}`)
  return Array.isArray(value.range) ? parseRange(value.range.join('-')) : null
}

/** null for what is none. */
export function portRange(value: unknown): PortRange | null {
  if (typeof value === 'number') return { from: value, to: value }
  const [from, to]: unknown[] = isRecord(value) && Array.isArray(value.range) ? value.range : []
  return typeof from === 'number' && typeof to === 'number' ? { from, to } : null
}

const ALL_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg']

/** null for what names no flags. */
export function flagNames(value: unknown): string[] | null {
  if (value === 0) return []
  if (typeof value === 'string') return ALL_FLAGS.includes(value) ? [value] : null
  const parts = isRecord(value) && Array.isArray(value['|']) ? value['|'] : value
  if (!Array.isArray(parts)) return null
  const found = parts.map(flagNames)
  return found.includes(null) ? null : found.flatMap(flags => flags ?? [])
}

/** Short words for a piece of JSON. */
export function describeValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(describeValue).join(',')
  if (!isRecord(value)) return String(value)
  const { payload, meta, ct, fib, prefix, range, set, target } = value
  if (isRecord(payload)) return `${String(payload.protocol)} ${String(payload.field)}`
  if (isRecord(meta)) return /^[io]if/.test(String(meta.key)) ? String(meta.key) : `meta ${String(meta.key)}`
  if (isRecord(ct)) return `ct ${String(ct.key)}`
  if (isRecord(fib)) return `fib ${describeValue(fib.flags)} ${String(fib.result)}`
  if (Array.isArray(value['&'])) return value['&'].map(describeValue).join(' & ')
  if (isRecord(prefix)) return `${String(prefix.addr)}/${String(prefix.len)}`
  if (Array.isArray(range)) return range.join('-')
  if (Array.isArray(set)) return `{ ${set.map(describeValue).join(', ')} }`
  if (target !== undefined && Object.keys(value).length === 1) return String(target)
  return JSON.stringify(value)
}
