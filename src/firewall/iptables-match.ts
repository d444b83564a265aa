/** Options of iptables' match extensions. What is not here is a question, with all its words. */
import { parseRange } from './address.ts'
import type { Condition, Match, PortRange, Side, Varies } from './match.ts'
import type { Words } from './words.ts'

/** Their answer is the same in every rule that asks with the same words. */
const STEADY = new Set('set mac geoip owner policy physdev realm cgroup'.split(' '))
/** Their answer is each rule's own, but tracking has no part in it. */
const BY_RULE = new Set(
  'limit hashlimit recent quota statistic time length string ttl hl mark rateest u32 dscp tos ecn pkttype rpfilter tcpmss'.split(
    ' ',
  ),
)

/** Reads one option of the extension `module`, and takes its values from the words. */
export function readOption(module: string, option: string, words: Words): Match {
  const plain = (condition: Condition): Match => ({ condition, not: false })
  if (module === 'comment') {
    words.next()
    return plain({ is: 'always' })
  }
  switch (option) {
    case '--sport':
    case '--source-port':
      return ports(words, 'source')
    case '--dport':
    case '--destination-port':
      return ports(words, 'destination')
    case '--sports':
    case '--source-ports':
      return ports(words, 'source')
    case '--dports':
    case '--destination-ports':
      return ports(words, 'destination')
    case '--ports':
      return ports(words, 'either')
    case '--syn':
      return plain({ is: 'flags', mask: SYN_MASK, set: ['syn'] })
    case '--tcp-flags': {
      const { text, not } = words.value()
      return { condition: { is: 'flags', mask: flags(text), set: flags(words.next()) }, not }
    }
    case '--state':
    case '--ctstate':
      return states(words)
    case '--src-type':
      return plain({ is: 'address-type', side: 'source', types: list(words.next()) })
    case '--dst-type':
      return plain({ is: 'address-type', side: 'destination', types: list(words.next()) })
    case '--src-range':
      return range(words, 'source')
    case '--dst-range':
      return range(words, 'destination')
    case '--icmp-type':
    case '--icmpv6-type':
      return icmp(words)
    default:
      return plain(unknown(module, option, words))
  }
}

const SYN_MASK = ['fin', 'syn', 'rst', 'ack']
const list = (text: string): string[] => text.toLowerCase().split(',')

function flags(text: string): string[] {
  const names = list(text)
  if (names.includes('all')) return ['fin', 'syn', 'rst', 'psh', 'ack', 'urg']
  return names.filter(name => name !== 'none')
}

function states(words: Words): Match {
  const { text, not } = words.value()
  return { condition: { is: 'state', states: list(text) }, not }
}

function ports(words: Words, side: Side | 'either'): Match {
  const { text, not } = words.value()
  const ranges = text.split(',').map(portRange)
  const known = ranges.flatMap(found => found ?? [])
  const condition: Condition =
    known.length === ranges.length
      ? { is: 'port', side, ranges: known }
      : { is: 'unknown', text: `${side} port ${text}`, varies: 'never' }
  return { condition, not }
}

/** `80`, `80:90`, `:90`, `80:`. A name is not looked up: save tools print numbers. */
function portRange(text: string): PortRange | null {
  const [, from, colon, to] = /^(\d*)(:?)(\d*)$/.exec(text) ?? []
  if (from === undefined || text === '') return null
  const first = from === '' ? 0 : Number(from)
  if (!colon) return { from: first, to: first }
  return { from: first, to: to ? Number(to) : 65_535 }
}

function range(words: Words, side: Side): Match {
  const { text, not } = words.value()
  const found = parseRange(text)
  const condition: Condition = found
    ? { is: 'address', side, ranges: [found] }
    : { is: 'unknown', text: `${side} ${text}`, varies: 'never' }
  return { condition, not }
}

/** `3`, `3/4`, `any`. A name is not looked up: save tools print numbers. */
function icmp(words: Words): Match {
  const { text, not } = words.value()
  if (text === 'any' || text === '255') return { condition: { is: 'always' }, not }
  const [, type, code] = /^(\d+)(?:\/(\d+))?$/.exec(text) ?? []
  const condition: Condition =
    type === undefined
      ? { is: 'unknown', text: `icmp type ${text}`, varies: 'never' }
      : { is: 'icmp', types: [{ type: Number(type), code: code === undefined ? null : Number(code) }] }
  return { condition, not }
}

function unknown(module: string, option: string, words: Words): Condition {
  const varies: Varies = STEADY.has(module) ? 'never' : BY_RULE.has(module) ? 'by-rule' : 'by-state'
  return { is: 'unknown', text: [module, option, ...words.values()].join(' '), varies }
}
