/** What notrack is asked for, decoded: which flows are not to be tracked any more. */
import { z } from 'zod'
import { type Family, networkText, parseAddress, parseNetwork } from '../../firewall/address.ts'
import type { PortRange } from '../../firewall/match.ts'

/** Ports a rule of ours names at most, so that it stays readable. */
const MOST_PORTS = 128

/** `80`, `"60000:60100"`, `60000-60100`; by --set also several of them with commas. */
const ports = z
  .union([z.number(), z.string(), z.array(z.union([z.number(), z.string()]))])
  .transform((input, context): PortRange[] => {
    const words = [input].flat().flatMap(word => String(word).split(','))
    const ranges = words.map(word => readRange(word.trim()))
    const known = ranges.flatMap(range => range ?? [])
    const wrong = words[ranges.indexOf(null)]
    if (wrong === undefined && known.length <= MOST_PORTS) return merged(known)
    const message =
      wrong === undefined
        ? `expected at most ${MOST_PORTS} ports and ranges`
        : `expected ports from 1 to 65535 or ranges such as 60000:60100, got "${wrong}"`
    context.addIssue({ code: 'custom', message, input })
    return z.NEVER
  })
  .default([])

/** In the spelling of tools that list rules, or a rule of ours would look like another one. A network of all is none. */
function readAddress(word: string): string | null {
  const address = word.includes('/') ? null : parseAddress(word)
  const range = address ? { family: address.family, from: address.value, to: address.value } : parseNetwork(word)
  return range === null || word.endsWith('/0') ? null : networkText(range)
}

const addresses = z
  .union([z.string(), z.array(z.string())])
  .transform((input, context): string[] => {
    const words = [input].flat().flatMap(word => word.split(',').map(part => part.trim()))
    const found = words.map(readAddress)
    const wrong = words[found.indexOf(null)]
    if (wrong === undefined) return [...new Set(found.flatMap(text => text ?? []))].toSorted()
    context.addIssue({ code: 'custom', message: `expected addresses or networks, got "${wrong}"`, input })
    return z.NEVER
  })
  .default([])

const families = z
  .union([z.literal(4), z.literal(6), z.array(z.union([z.literal(4), z.literal(6)]))])
  .transform((input): Family[] => [...new Set([input].flat())].toSorted())
  .default([4, 6])

export const options = z
  .strictObject({
    tcp: ports.describe('TCP ports that this host serves: 80, "60000:60100", [80, 443]'),
    udp: ports.describe('UDP ports that this host serves'),
    peers: addresses.describe('only with these other ends'),
    addresses: addresses.describe('only at these addresses of the host'),
    local_out: z.boolean().default(false).describe('connections that this host begins, too'),
    all: z.boolean().default(false).describe('everything; tcp and udp then say what may still come in'),
    families: families.describe('4, 6, or both'),
  })
  .superRefine(({ tcp, udp, local_out, all }, context) => {
    if (tcp.length > 0 || udp.length > 0 || local_out || all) return
    context.addIssue({ code: 'custom', message: 'expected tcp or udp ports, local_out, or all' })
  })

export type Options = z.output<typeof options>

/** The options in the spelling of an inventory: decoded again they come to the same. */
export function settledOptions({ tcp, udp, ...rest }: Options): Readonly<Record<string, unknown>> {
  const words = (ranges: readonly PortRange[]): string[] =>
    ranges.map(({ from, to }) => (from === to ? String(from) : `${from}:${to}`))
  return { ...rest, tcp: words(tcp), udp: words(udp) }
}

function readRange(word: string): PortRange | null {
  const [, first, last] = /^(\d{1,5})(?:[:-](\d{1,5}))?$/.exec(word) ?? []
  const [from, to] = [Number(first), Number(last ?? first)]
  return first !== undefined && from >= 1 && to <= 65_535 && from <= to ? { from, to } : null
}

/** Sorted, without overlaps, as nft prints a set. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = []
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last && range.from <= last.to) joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    else joined.push(range)
  }
  return joined
}

/** `80, 443, 60000-60100`. */
export function portsText(ranges: readonly PortRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ')
}

/** The flows in words: `tcp 80, 443 and udp 53`. */
export function flowsText({ tcp, udp, all, local_out: out }: Options): string {
  if (all) return 'everything'
  const names = [
    ...(tcp.length > 0 ? [`tcp ${portsText(tcp)}`] : []),
    ...(udp.length > 0 ? [`udp ${portsText(udp)}`] : []),
    ...(out ? ['what this host begins'] : []),
  ]
  return names.join(' and ')
}
