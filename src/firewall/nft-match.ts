/** Matches of nft rules: a left side (a field of the packet, or something about it), and what it is compared with. */

import { isRecord } from '../lang/record.ts'
import type { Condition, Match, Side } from './match.ts'
import { ICMP_NAMES } from './nft-icmp.ts'
import {
  addressRange,
  describeValue,
  flagNames,
  isNamedSet,
  NUMBERS,
  portRange,
  protocolName,
  valuesOf,
} from './nft-value.ts'

/** Reads the body of a `match`: conditions that must all hold. */
export function readMatch(body: unknown): Match[] {
  if (!isRecord(body) || typeof body.op !== 'string') return [asked(describeValue(body))]
  return readLeft(body.left)(body.op, body.right)
}

type Compare = (operator: string, right: unknown) => Match[]

/** Rules may set them by what tracking says. */
const MAY_FOLLOW_STATE = new Set(['mark', 'priority', 'nftrace', 'secmark'])

/** Reads a left side; the function it returns compares it. */
export function readLeft(left: unknown): Compare {
  const unknown: Compare = (operator, right) => [
    asked(`${describeValue(left)} ${operator} ${describeValue(right)}`, isNamedSet(right) ? 'never' : 'by-state'),
  ]
  if (!isRecord(left)) return unknown
  // Its answer is each rule's own, but tracking has no part in it.
  const fixed: Compare = (operator, right) => [
    asked(`${describeValue(left)} ${operator} ${describeValue(right)}`, isNamedSet(right) ? 'never' : 'by-rule'),
  ]
  const { payload, meta, ct, fib } = left
  if (isRecord(payload)) return ofPayload(String(payload.protocol), String(payload.field), fixed)
  if (isRecord(meta)) return ofMeta(String(meta.key), MAY_FOLLOW_STATE.has(String(meta.key)) ? unknown : fixed)
  if (isRecord(ct)) return ofTracking(ct, unknown)
  if (isRecord(fib)) return fib.result === 'type' ? ofFib(fib.flags, fixed) : fixed
  if (Array.isArray(left['&'])) return ofFlags(left['&'], unknown)
  return unknown
}

function asked(text: string, varies: 'never' | 'by-rule' | 'by-state' = 'by-state'): Match {
  return { condition: { is: 'unknown', text, varies }, not: false }
}

/** Compares by a condition made of the values; what makes none is a question. */
function compareWith(condition: (values: readonly unknown[]) => Condition | null, unknown: Compare): Compare {
  return (operator, right) => {
    const values = valuesOf(right)
    const made = values && ['==', '!=', 'in'].includes(operator) ? condition(values) : null
    return made ? [{ condition: made, not: operator === '!=' }] : unknown(operator, right)
  }
}

/** A packet without an entry matches nothing that is asked of one, negated or not; only its state can be asked. */
function ofTracking(ct: Readonly<Record<string, unknown>>, unknown: Compare): Compare {
  if (ct.key === 'state' && ct.dir === undefined) return compareWith(values => names(values, states), unknown)
  const tracked: Match = { condition: states(['new', 'established', 'related']), not: false }
  const compare = ct.key === 'status' ? compareWith(translations, unknown) : unknown
  return (operator, right) => [tracked, ...compare(operator, right)]
}

/** Whether it was translated is known of some packets; iptables counts it among the states. */
function translations(values: readonly unknown[]): Condition | null {
  return values.every(value => value === 'dnat' || value === 'snat') ? names(values, states) : null
}

const states = (list: readonly string[]): Condition => ({ is: 'state', states: list })

function names(values: readonly unknown[], condition: (names: readonly string[]) => Condition): Condition | null {
  const texts = values.flatMap(value => (typeof value === 'string' ? value : []))
  return texts.length === values.length ? condition(texts) : null
}

/** A field of a header says, too, that the packet has such a header. */
function ofPayload(protocol: string, field: string, unknown: Compare): Compare {
  const implied = (condition: Condition): Match => ({ condition, not: false })
  const after =
    (first: Match[], compare: Compare): Compare =>
    (operator, right) => [...first, ...compare(operator, right)]
  if (protocol === 'ip' || protocol === 'ip6') {
    const family = implied({ is: 'family', families: [protocol === 'ip' ? 4 : 6] })
    if (field === 'saddr' || field === 'daddr')
      return after(
        [family],
        compareWith(values => addresses(values, field === 'saddr' ? 'source' : 'destination'), unknown),
      )
    if (field === 'protocol' || field === 'nexthdr') return after([family], compareWith(protocols, unknown))
    return after([family], unknown)
  }
  // `th` is any protocol that has ports.
  const carrier: Match[] = protocol === 'th' ? [] : [implied({ is: 'protocol', protocols: [protocolName(protocol)] })]
  if (field === 'sport' || field === 'dport') {
    return after(
      carrier,
      compareWith(values => ports(values, field === 'sport' ? 'source' : 'destination'), unknown),
    )
  }
  if ((protocol === 'icmp' || protocol === 'icmpv6') && field === 'type') {
    return after(
      carrier,
      compareWith(values => icmpTypes(values, ICMP_NAMES[protocol]), unknown),
    )
  }
  if (protocol === 'ether' || protocol === 'vlan') return unknown
  return after(carrier, field === 'flags' ? compareWith(flagsAlone, unknown) : unknown)
}

function protocols(values: readonly unknown[]): Condition {
  const list = values.map(value => (typeof value === 'number' ? (NUMBERS[value] ?? '') : protocolName(String(value))))
  return { is: 'protocol', protocols: list }
}

function addresses(values: readonly unknown[], side: Side): Condition | null {
  const ranges = values.map(addressRange)
  const known = ranges.flatMap(range => range ?? [])
  return known.length === ranges.length ? { is: 'address', side, ranges: known } : null
}

function ports(values: readonly unknown[], side: Side): Condition | null {
  const ranges = values.map(portRange)
  const known = ranges.flatMap(range => range ?? [])
  return known.length === ranges.length ? { is: 'port', side, ranges: known } : null
}

/** A type that nobody here knows makes it a question. */
function icmpTypes(values: readonly unknown[], named: Readonly<Record<string, number>>): Condition | null {
  const types = values.map(value => (typeof value === 'number' ? value : named[String(value)]))
  const known = types.flatMap(type => (type === undefined ? [] : [{ type, code: null }]))
  return known.length === types.length ? { is: 'icmp', types: known } : null
}

function ofMeta(key: string, unknown: Compare): Compare {
  switch (key) {
    case 'l4proto':
      return compareWith(protocols, unknown)
    case 'nfproto':
      return compareWith(values => names(values, families), unknown)
    case 'iifname':
    case 'oifname':
    case 'iif':
    case 'oif':
      return ofInterface(key.startsWith('i') ? 'in' : 'out')
    default:
      return unknown
  }
}

function families(list: readonly string[]): Condition {
  return {
    is: 'family',
    families: list.flatMap(name => (name === 'ipv4' ? [4 as const] : name === 'ipv6' ? [6 as const] : [])),
  }
}

/** Several names are a question each; together they are one, of its own text, unless only one is asked for. */
function ofInterface(way: 'in' | 'out'): Compare {
  return compareWith(
    values =>
      names(values, ([name = '', ...more]) =>
        more.length === 0
          ? { is: 'interface', way, name }
          : { is: 'unknown', text: `${way} by one of ${[name, ...more].join(',')}`, varies: 'never' },
      ),
    (operator, right) => [asked(`${way} by ${operator} ${describeValue(right)}`, 'never')],
  )
}

function ofFib(flags: unknown, unknown: Compare): Compare {
  const [flag, ...more]: unknown[] = Array.isArray(flags) ? flags : [flags]
  if ((flag !== 'daddr' && flag !== 'saddr') || more.length > 0) return unknown
  const side: Side = flag === 'daddr' ? 'destination' : 'source'
  return compareWith(values => names(values, types => ({ is: 'address-type', side, types })), unknown)
}

/** `tcp flags & (fin|syn|rst|ack) == syn`, as its versions write it. */
function ofFlags([field, mask]: readonly unknown[], unknown: Compare): Compare {
  if (!isRecord(field) || !isRecord(field.payload)) return unknown
  if (field.payload.protocol !== 'tcp' || field.payload.field !== 'flags') return unknown
  const masked = flagNames(mask)
  return (operator, right) => {
    const set = flagNames(right)
    if (!masked || !set || (operator !== '==' && operator !== '!=')) return unknown(operator, right)
    return [
      { condition: { is: 'protocol', protocols: ['tcp'] }, not: false },
      { condition: { is: 'flags', mask: masked, set }, not: operator === '!=' },
    ]
  }
}

/** `tcp flags syn` means: it is among them. */
function flagsAlone(values: readonly unknown[]): Condition | null {
  const set = flagNames(values)
  return set?.length === 1 ? { is: 'flags', mask: set, set } : null
}
