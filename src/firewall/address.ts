/** Addresses as numbers, so that networks and ranges of them are comparisons. */

export type Family = 4 | 6

/** Both ends belong to it. */
export interface AddressRange {
  readonly family: Family
  readonly from: bigint
  readonly to: bigint
}

export interface Address {
  readonly family: Family
  readonly value: bigint
}

const BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 }

/** Reads `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`; `::ffff:192.0.2.1` is the IPv4 packet that it is. null for what is none. */
export function parseAddress(text: string): Address | null {
  const plain = text.split('%', 1)[0] ?? ''
  if (!plain.includes(':')) {
    const value = parseDotted(plain)
    return value === null ? null : { family: 4, value }
  }
  const value = parseColons(plain)
  if (value === null) return null
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value }
}

function parseDotted(text: string): bigint | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

function parseColons(text: string): bigint | null {
  // The last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const low = dotted ? parseDotted(dotted[2] ?? '') : 0n
  if (low === null) return null
  const hex = dotted ? `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}` : text
  const halves = hex.split('::')
  if (halves.length > 2) return null
  const [head = [], tail] = halves.map(half => (half === '' ? [] : half.split(':')))
  const groups = tail
    ? [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
    : head
  if (groups.length !== 8 || !groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return null
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

/** True when the text of an address or a network is one of the family. */
export function isOf(text: string, family: Family): boolean {
  return text.includes(':') === (family === 6)
}

/** Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0` (iptables 1.3), `2001:db8::/32`, or one address. null for what is none. */
export function parseNetwork(text: string): AddressRange | null {
  const [base = '', mask] = text.split('/')
  const address = base.includes(':') ? parseColons(base) : parseDotted(base)
  if (address === null) return null
  const family: Family = base.includes(':') ? 6 : 4
  const length = mask === undefined ? BITS[family] : prefixLength(mask, family)
  return length === null ? null : networkOf(family, address, length)
}

function networkOf(family: Family, address: bigint, length: number): AddressRange {
  const rest = (1n << BigInt(BITS[family] - length)) - 1n
  const from = address & ~rest
  return { family, from, to: from | rest }
}

/** null for a mask with holes in it, too: it is no prefix. */
function prefixLength(mask: string, family: Family): number | null {
  if (/^\d+$/.test(mask)) return Number(mask) <= BITS[family] ? Number(mask) : null
  const value = mask.includes(':') ? parseColons(mask) : parseDotted(mask)
  if (value === null) return null
  const bits = value.toString(2).padStart(BITS[family], '0')
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : null
}

/** As tools print it back: masked, short, without the length of one address. */
export function networkText({ family, from, to }: AddressRange): string {
  const length = BITS[family] - (to - from).toString(2).replace(/^0$/, '').length
  const address = family === 4 ? dotted(from) : colons(from)
  return length === BITS[family] ? address : `${address}/${length}`
}

const dotted = (value: bigint): string => [24n, 16n, 8n, 0n].map(shift => String((value >> shift) & 0xffn)).join('.')

/** RFC 5952: the longest run of zeros is left out, the first of equals, and never a single one. */
function colons(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')
  const runs = [...groups.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].toSorted((a, b) => b[0].length - a[0].length)
  const [longest] = runs
  if (!longest) return groups
  const [before, after] = [groups.slice(0, longest.index), groups.slice(longest.index + longest[0].length)]
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`
}

/** Reads `from-to`. null for what is none. */
export function parseRange(text: string): AddressRange | null {
  const [from, to] = text.split('-').map(parseAddress)
  if (!from || !to || from.family !== to.family) return null
  return { family: from.family, from: from.value, to: to.value }
}

/** True when the address lies in the range; one of another family never does. */
export function isIn({ family, value }: Address, range: AddressRange): boolean {
  return family === range.family && value >= range.from && value <= range.to
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n
}
