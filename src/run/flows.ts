/** The flows a strategy asks for, in the words in which the probe compares them. */
import { parseAddress, parseNetwork } from '../firewall/address.ts'
import { plain } from '../lang/text.ts'

/**
 * `PROTOCOL PORTS PEERS ADDRESSES`, several joined by `;`: protocol or `any`, or `out` for what the host begins; ports and
 * ranges of them, `*`, or `own` for those the host chooses itself; addresses and networks of the other end and of the host's own, or `-`. Throws TypeError for what
 * is none: a flow that nothing can match would count as cured.
 */
export function canonicalFlows(text: string): string {
  const selectors = text.split(';').map(selector => selector.trim())
  return selectors.flatMap(selector => (selector === '' ? [] : canonicalSelector(selector))).join(';')
}

function canonicalSelector(text: string): string {
  const [protocol = '', ports = '', peers = '-', addresses = '-', ...more] = text.split(/\s+/)
  const isPort = (word: string): boolean => /^\d{1,5}([-:]\d{1,5})?$/.test(word)
  const known = protocol === 'out' ? ports === '*' : ports === '*' || ports === 'own' || ports.split(',').every(isPort)
  if (!/^[a-z][a-z0-9-]*$/.test(protocol) || !known || more.length > 0)
    throw new TypeError(`no selector of flows: ${plain(text)}`)
  return [protocol, ports.replaceAll(':', '-'), canonicalEnds(peers), canonicalEnds(addresses)].join(' ')
}

function canonicalEnds(list: string): string {
  return list === '-' ? list : list.split(',').map(canonicalEnd).join(',')
}

/** An address as the connection table prints it; a network as its first and last, so that they compare as text. */
function canonicalEnd(text: string): string {
  const address = text.includes('/') ? null : parseAddress(text)
  if (address) return address.family === 4 ? dotted(address.value, 0) : colons(address.value)
  const network = parseNetwork(text)
  if (network === null) throw new TypeError(`no address: ${plain(text)}`)
  const edges = [network.from, network.to]
  return edges.map(value => (network.family === 4 ? `v4.${dotted(value, 3)}` : colons(value))).join('-')
}

function dotted(value: bigint, digits: number): string {
  const bytes = [24n, 16n, 8n, 0n].map(shift => String((value >> shift) & 0xffn))
  return bytes.map(byte => byte.padStart(digits, '0')).join('.')
}

/** All eight groups, with all their digits. */
function colons(value: bigint): string {
  return (value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []).join(':')
}
