/**
 * A rule about states → rules that let the same packets in without any: answers over TCP by the flag that opens a
 * connection, over UDP by who sends them, and ICMP by its types. What cannot be said that way is refused, never guessed.
 */
import { type Family, isIn, parseAddress, parseNetwork } from '../../firewall/address.ts'
import { triggerKind } from '../../firewall/triggers-iptables.ts'
import { isDenied, type Parts, partsOf, type SavedRule, wordsOf } from './parts.ts'

/** Which way packets come by a chain: to this host, from it, or both. */
export type Way = 'in' | 'out'

export interface Scene {
  readonly family: Family
  readonly ways: readonly Way[]
  /** Whose answers over UDP are let in: address and port. */
  readonly servers: readonly { readonly address: string; readonly port: number }[]
  /** Words of a match for each set of UDP ports that this host serves: `--sport 53`. */
  readonly served: readonly (readonly string[])[]
  readonly passiveFtp: string | null
}

export type Outcome =
  | { readonly is: 'same' }
  | { readonly is: 'instead'; readonly rules: readonly (readonly string[])[]; readonly why: string }
  | { readonly is: 'refused'; readonly because: string }

const SAME: Outcome = { is: 'same' }
const refused = (because: string): Outcome => ({ is: 'refused', because })

/** What becomes of one rule. */
export function withoutState({ table, chain, words }: SavedRule, scene: Scene): Outcome {
  const kind = triggerKind(words)
  const untracks = words.includes('NOTRACK') || words.includes('--notrack')
  if (kind === null && !untracks) return SAME
  if (chain.startsWith('CTFIX-')) return refused('it is of notrack by ctfix: roll that run back first')
  if (untracks)
    return { is: 'instead', rules: [], why: 'nothing is tracked any more, so nothing needs to be untracked' }
  if (kind !== 'state') return refused(kind === 'nat' ? 'it translates addresses' : 'only tracking can answer it')
  const parts = partsOf(words)
  if (!parts || parts.states === null) return refused('it asks more of tracking than one state that holds')
  const target = parts.verdict[1] ?? ''
  if (parts.states.every(state => state === 'INVALID') && ['DROP', 'REJECT', 'LOG'].includes(target)) {
    return { is: 'instead', rules: [], why: 'without tracking no packet is INVALID' }
  }
  return table === 'filter' ? ofState(parts, parts.states, scene) : refused(`it stands in the table ${table}`)
}

/** Extensions whose answer is the same for every packet of a connection: others counted or limited new ones only. */
const STEADY = new Set('tcp udp icmp icmp6 icmpv6 multiport comment iprange addrtype set owner mac pkttype'.split(' '))

function ofState(parts: Parts, states: readonly string[], scene: Scene): Outcome {
  const list = states.join(',')
  const odd = states.find(state => !KNOWN.has(state))
  if (odd !== undefined) return refused(`${odd} among ${list} has no stateless form`)
  if (parts.verdict[1] !== 'ACCEPT') return refused(`only an ACCEPT by ${list} has a stateless form`)
  const moody = parts.modules.find(module => !STEADY.has(module))
  if (moody !== undefined) return refused(`-m ${moody} would see every packet, and not only those that are ${list}`)
  if (states.includes('NEW') || states.includes('UNTRACKED')) {
    const plain = parts.asks.length === 0 && Object.keys(parts.base).length === 0
    if (plain && !states.includes('NEW')) return refused('without its state it would let in everything')
    return { is: 'instead', rules: [wordsOf(parts)], why: `lets in the same, whatever ${list} was` }
  }
  return answers(parts, states, scene)
}

const KNOWN = new Set(['NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED'])

/** ESTABLISHED and RELATED, by what tells such packets apart. */
function answers(parts: Parts, states: readonly string[], scene: Scene): Outcome {
  const asked = parts.base.protocol
  const protocol = asked?.at(-1) ?? null
  const established = states.includes('ESTABLISHED')
  const may = (name: string): boolean => protocol === null || protocol === name
  const icmp = scene.family === 4 ? 'icmp' : 'ipv6-icmp'
  const spoken = ['tcp', 'udp', icmp, ...(scene.family === 6 ? ['icmpv6'] : [])]
  if (isDenied(asked) || (protocol !== null && !spoken.includes(protocol))) {
    return refused(`answers over ${asked?.slice(1).join(' ')} cannot be told from anything else`)
  }
  if (parts.asks.some(word => word === '--tcp-flags' || word === '--syn' || word.startsWith('--icmp'))) {
    return refused('it asks for flags or ICMP types of its own')
  }
  const udp = established && may('udp') ? udpAnswers(parts, scene) : []
  if (udp === null) return refused('nobody says whose answers over UDP these ports stand for')
  const rules = [
    ...(established && may('tcp') ? [wordsOf(over(parts, 'tcp', ANSWER))] : []),
    ...udp,
    ...(may(icmp) || may('icmpv6') ? icmpTypes(parts, states, scene) : []),
    ...(states.includes('RELATED') && may('tcp') && scene.ways.includes('in') && scene.passiveFtp !== null
      ? [wordsOf(over(parts, 'tcp', ['--dport', scene.passiveFtp]))]
      : []),
  ]
  return { is: 'instead', rules, why: `stateless, for ${states.join(',')}` }
}

/**
 * Every packet of a connection but the first. FIN is not asked for, as `--syn` does: kernels before 3.2.24 take a SYN with a
 * FIN for one that opens a connection.
 */
const ANSWER = ['!', '--tcp-flags', 'SYN,RST,ACK', 'SYN']

/** The rule with a protocol and questions about it. */
function over(parts: Parts, protocol: string, asks: readonly string[], base: Parts['base'] = {}): Parts {
  const match = protocol === 'ipv6-icmp' ? 'icmp6' : protocol
  const known = parts.modules.at(-1) === match
  const more = known ? asks : ['-m', match, ...asks]
  return { ...parts, base: { ...parts.base, ...base, protocol: ['-p', protocol] }, asks: [...parts.asks, ...more] }
}

function udpAnswers(parts: Parts, scene: Scene): string[][] | null {
  const own = parts.asks.filter(word => /^--(sports?|dports?|ports|source-port|destination-port)$/.test(word))
  const rules = scene.ways.flatMap((way): (string[] | null)[] => {
    const [side, option, port] =
      way === 'in' ? (['source', '-s', '--sport'] as const) : (['destination', '-d', '--dport'] as const)
    const said = own.length > 0 ? Number(parts.asks[parts.asks.indexOf(port) + 1]) : null
    if (own.length > 1 || (own[0] !== undefined && own[0] !== port) || Number.isNaN(said)) return [null]
    const known = scene.servers.filter(server => said === null || server.port === said)
    if (said !== null && known.length === 0) return [null]
    const fits = known.filter(({ address }) => isWithin(address, parts.base[side]))
    return [
      ...fits.map(({ address, port: number }) =>
        wordsOf(over(parts, 'udp', said === null ? [port, String(number)] : [], { [side]: [option, address] })),
      ),
      // What this host answers leaves by the port that it serves.
      ...(way === 'out' && said === null ? scene.served.map(match => wordsOf(over(parts, 'udp', match))) : []),
    ]
  })
  const found = rules.flatMap(rule => rule ?? [])
  return found.length === 0 && rules.length > 0 && rules.includes(null) ? null : rules.filter(rule => rule !== null)
}

/** The rule may be for some senders only. */
function isWithin(server: string, words: readonly string[] | undefined): boolean {
  if (!words) return true
  const network = parseNetwork(words.at(-1) ?? '')
  const address = parseAddress(server.split('/')[0] ?? '')
  return network !== null && address !== null && isIn(address, network) !== isDenied(words)
}

/** Errors that belong to a connection, the answer to a ping; of IPv6 also what finds neighbours, which is never tracked. */
const ICMP: Readonly<Record<Family, Readonly<Record<string, readonly number[]>>>> = {
  4: { RELATED: [3, 11, 12], ESTABLISHED: [0] },
  6: { RELATED: [1, 2, 3, 4], ESTABLISHED: [129, 133, 134, 135, 136] },
}

function icmpTypes(parts: Parts, states: readonly string[], { family }: Scene): string[][] {
  const [protocol, option] = family === 4 ? ['icmp', '--icmp-type'] : ['ipv6-icmp', '--icmpv6-type']
  // In one order, whoever listed the states: what is saved is to be what is live.
  const types = ['RELATED', 'ESTABLISHED'].flatMap(state => (states.includes(state) ? (ICMP[family][state] ?? []) : []))
  // Ports are nothing that ICMP has.
  if (parts.asks.some(word => /port/.test(word))) return []
  return types.map(type => wordsOf(over(parts, protocol ?? '', [option ?? '', String(type)])))
}
