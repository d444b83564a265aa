/** What a rule asks of a packet, and the three answers there are: yes, no, and "cannot say". */
import { type Address, type AddressRange, type Family, isIn, isLoopback, parseNetwork } from './address.ts'

export interface Match {
  readonly condition: Condition
  readonly not: boolean
}

export interface PortRange {
  readonly from: number
  readonly to: number
}

/** True when one of the ranges holds the port. */
export function holdsPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ from, to }) => port >= from && port <= to)
}

/** True when one of the ranges shares a port with the other one. */
export function overlaps(ranges: readonly PortRange[], other: PortRange): boolean {
  return ranges.some(({ from, to }) => from <= other.to && to >= other.from)
}

/** Numbers of IANA; those of ICMPv6 are others than those of ICMP. */
export interface IcmpType {
  readonly type: number
  readonly code: number
}

export type Side = 'source' | 'destination'
export type State = 'new' | 'established' | 'related' | 'invalid' | 'untracked'

export type Condition =
  | { readonly is: 'always' }
  | { readonly is: 'family'; readonly families: readonly Family[] }
  | { readonly is: 'protocol'; readonly protocols: readonly string[] }
  | { readonly is: 'address'; readonly side: Side; readonly ranges: readonly AddressRange[] }
  | { readonly is: 'port'; readonly side: Side | 'either'; readonly ranges: readonly PortRange[] }
  /** `name` may end in `*`. */
  | { readonly is: 'interface'; readonly way: 'in' | 'out'; readonly name: string }
  /** Lower case. `snat` and `dnat` are states to iptables. */
  | { readonly is: 'state'; readonly states: readonly string[] }
  /** Of the flags in `mask` exactly those in `set` are set; lower case. */
  | { readonly is: 'flags'; readonly mask: readonly string[]; readonly set: readonly string[] }
  /** What routing says of an address: `local`, `unicast`, `broadcast`, … */
  | { readonly is: 'address-type'; readonly side: Side; readonly types: readonly string[] }
  /** `code` null: any. Only packets of ICMP have one. */
  | { readonly is: 'icmp'; readonly types: readonly { readonly type: number; readonly code: number | null }[] }
  | { readonly is: 'unknown'; readonly text: string; readonly varies: Varies }

/**
 * What an answer we do not know hangs on. `never`: it is the same in every rule that asks the same (a set, a mark on the
 * wire); `by-rule`: each rule has its own (a limit); `by-state`: and it may turn when the packet is no longer tracked.
 */
export type Varies = 'never' | 'by-rule' | 'by-state'

/** A packet as the rules of one chain see it. */
export interface Seen {
  readonly family: Family
  readonly protocol: string
  readonly direction: 'in' | 'out'
  /** null: anybody's. */
  readonly source: Address | null
  readonly destination: Address | null
  /** null: one that the client's system chose. */
  readonly sourcePort: number | null
  readonly destinationPort: number | null
  readonly tcpFlags: 'syn' | 'syn-fin' | 'syn-ack' | 'other'
  /** What a packet of ICMP says; null for others. */
  readonly icmp: IcmpType | null
  readonly state: State
  /** No rule translates its connection; left out: nobody knows. */
  readonly translated?: false
}

/** Something nobody here can answer; the match holds when the answer is `yes`. */
export interface Question {
  readonly question: string
  readonly yes: boolean
}

/** Asks a rule's question about a packet. `where` tells questions apart that each rule answers for itself. */
export function holds({ condition, not }: Match, seen: Seen, where: string): boolean | Question {
  const answer = ask(condition, seen, where)
  return typeof answer === 'boolean' ? answer !== not : { question: answer, yes: !not }
}

/** true, false, or the text of a question. */
type Answer = boolean | string

function ask(condition: Condition, seen: Seen, where: string): Answer {
  switch (condition.is) {
    case 'always':
      return true
    case 'family':
      return condition.families.includes(seen.family)
    case 'protocol':
      return condition.protocols.includes(seen.protocol)
    case 'address':
      return askAddress(seen[condition.side], condition.ranges, condition.side)
    case 'port':
      return condition.side === 'either'
        ? askEither(condition.ranges, seen)
        : askPort(condition.side, condition.ranges, seen)
    case 'interface':
      return askInterface(condition.way, condition.name, seen)
    case 'state':
      return askState(condition.states, seen, where)
    case 'flags':
      return askFlags(condition.mask, condition.set, seen, where)
    case 'address-type':
      return condition.types.includes(addressType(condition.side, seen))
    case 'icmp':
      return condition.types.some(
        ({ type, code }) => seen.icmp?.type === type && (code === null || code === seen.icmp.code),
      )
    case 'unknown':
      return question(condition.text, condition.varies, seen, where)
    default:
      return condition satisfies never
  }
}

function question(text: string, varies: Varies, seen: Seen, where: string): string {
  if (varies === 'never') return `${seen.direction} ${text}`
  return varies === 'by-rule' ? `${where} ${text}` : `${where} ${text} ${seen.state}`
}

function askAddress(address: Address | null, ranges: readonly AddressRange[], side: Side): Answer {
  if (address) return ranges.some(range => isIn(address, range))
  if (ranges.every(isNowhere)) return false
  return `${side} in ${ranges.map(({ from, to }) => `${from}-${to}`).join(',')}`
}

/** Networks of IPv6 that no packet on a wire comes from or goes to (RFC 3964, RFC 4291 2.5.5): firewalld drops them. */
const NOWHERE: readonly AddressRange[] = [
  '::/96',
  '::ffff:0:0/96',
  ...['0000::/24', '0a00::/24', '7f00::/24', 'a9fe::/32', 'ac10::/28', 'c0a8::/32', 'e000::/19'].map(
    mapped => `2002:${mapped}`,
  ),
].flatMap(network => parseNetwork(network) ?? [])

function isNowhere({ family, from, to }: AddressRange): boolean {
  return NOWHERE.some(range => family === range.family && from >= range.from && to <= range.to)
}

/** Ports that systems choose for clients: 1024 and up covers what Linux, BSD and Windows ever did. */
const CHOSEN: PortRange = { from: 1024, to: 65_535 }

function askPort(side: Side, ranges: readonly PortRange[], seen: Seen): Answer {
  const port = seen[`${side}Port`]
  if (port !== null) return holdsPort(ranges, port)
  // Of thousands of rules most end here, for whoever has no fixed port.
  const [only] = ranges
  if (ranges.length === 1 && only && only.to < CHOSEN.from) return false
  if (ranges.every(({ to }) => to < CHOSEN.from)) return false
  if (ranges.some(({ from, to }) => from <= CHOSEN.from && to >= CHOSEN.to)) return true
  return `${side} port in ${ranges.map(({ from, to }) => `${from}-${to}`).join(',')}`
}

function askEither(ranges: readonly PortRange[], seen: Seen): Answer {
  const answers = [askPort('source', ranges, seen), askPort('destination', ranges, seen)]
  return answers.includes(true) || (answers.find(answer => typeof answer === 'string') ?? false)
}

/** Which card it is nobody knows, but whether the packet stays on the machine. */
function askInterface(way: 'in' | 'out', name: string, seen: Seen): Answer {
  if (name === '*') return true
  // In the input path there is no card to go out by, and the other way round.
  if (way !== seen.direction) return false
  const stays = isLocal(seen)
  if (name === 'lo') return stays
  return stays ? false : `${way} by ${name}`
}

function isLocal({ source, destination }: Seen): boolean {
  if (!source || !destination) return false
  return isLoopback(source) || isLoopback(destination) || source.value === destination.value
}

function askState(states: readonly string[], seen: Seen, where: string): Answer {
  if (states.includes(seen.state)) return true
  const translated = states.some(state => state === 'snat' || state === 'dnat')
  const mayBe = translated && seen.translated !== false && seen.state !== 'untracked'
  return mayBe ? question(states.join(','), 'by-state', seen, where) : false
}

const FLAGS: Readonly<Record<Seen['tcpFlags'], readonly string[]>> = {
  syn: ['syn'],
  'syn-fin': ['syn', 'fin'],
  'syn-ack': ['syn', 'ack'],
  other: ['ack'],
}

function askFlags(mask: readonly string[], set: readonly string[], seen: Seen, where: string): Answer {
  const flags = FLAGS[seen.tcpFlags]
  // Data has these or has them not.
  const open = (flag: string): boolean => seen.tcpFlags === 'other' && (flag === 'psh' || flag === 'urg')
  if (mask.some(flag => !open(flag) && flags.includes(flag) !== set.includes(flag))) return false
  return mask.some(open) ? question(`flags ${mask}/${set}`, 'by-rule', seen, where) : true
}

/** The near end is ours; the far one somebody else's, unless the packet stays here. */
function addressType(side: Side, seen: Seen): string {
  const near: Side = seen.direction === 'in' ? 'destination' : 'source'
  return side === near || isLocal(seen) ? 'local' : 'unicast'
}
