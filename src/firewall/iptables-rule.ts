/** Words of an iptables rule → what it asks and does. What is not known stays in as a question, never as a guess. */
import { parseNetwork, parseRange } from './address.ts'
import { readOption } from './iptables-match.ts'
import type { Condition, Match } from './match.ts'
import type { Verdict } from './ruleset.ts'
import { Words } from './words.ts'

/** Reads the words after the chain's name. Never fails: a word that is not understood makes a question. */
export function readRule(words: readonly string[]): { readonly matches: readonly Match[]; readonly verdict: Verdict } {
  const source = new Words(words)
  const matches: Match[] = []
  let module = ''
  let not = false
  while (!source.isAtEnd) {
    const option = source.next()
    if (option === '!') {
      not = true
      continue
    }
    if (option === '-m' || option === '--match') {
      module = source.next()
      if (OTHER_HEADERS.has(module)) matches.push({ condition: { is: 'protocol', protocols: [] }, not: false })
      else if (source.isAtOption && !readsAnyPacket(module)) matches.push({ condition: bare(module), not })
    } else if (option === '-j' || option === '--jump') return { matches, verdict: verdictOf(source.next(), source) }
    else if (option === '-g' || option === '--goto') return { matches, verdict: { is: 'goto', chain: source.next() } }
    else {
      const found = readBase(option, source) ?? readOption(module, option, source)
      addMatch(matches, { ...found, not: found.not !== not }, module)
    }
    not = false
  }
  return { matches, verdict: { is: 'continue' } }
}

/** What an unknown extension asks with several options is one question. */
function addMatch(matches: Match[], { condition, not }: Match, module: string): void {
  const last = matches.at(-1)
  const goesOn = last?.condition.is === 'unknown' && last.condition.text.startsWith(`${module} `) && !last.not && !not
  if (condition.is === 'unknown' && last?.condition.is === 'unknown' && goesOn) {
    matches[matches.length - 1] = {
      condition: { ...last.condition, text: `${last.condition.text} ${condition.text}` },
      not,
    }
  } else matches.push({ condition, not })
}

/** Extensions that ask nothing unless they are given options. */
function readsAnyPacket(module: string): boolean {
  return /^(tcp|udp|udplite|sctp|dccp|icmp|icmp6|comment|multiport|conntrack|state|addrtype|iprange)$/.test(module)
}

/** Headers of IPv6 that packets of services have none of: such a match finds nothing, whatever it asks of them. */
const OTHER_HEADERS = new Set(['rt', 'hbh', 'dst', 'mh'])

function bare(module: string): Condition {
  return { is: 'unknown', text: module, varies: 'by-state' }
}

/** Options that every rule may have, whatever it is matched by. */
function readBase(option: string, words: Words): Match | null {
  switch (option) {
    case '-p':
    case '--protocol':
      return withValue(words, text => protocolOf(text))
    case '-s':
    case '--source':
    case '--src':
      return withValue(words, text => addressesOf(text, 'source'))
    case '-d':
    case '--destination':
    case '--dst':
      return withValue(words, text => addressesOf(text, 'destination'))
    case '-i':
    case '--in-interface':
      return withValue(words, name => ({ is: 'interface', way: 'in', name: name.replace(/\+$/, '*') }))
    case '-o':
    case '--out-interface':
      return withValue(words, name => ({ is: 'interface', way: 'out', name: name.replace(/\+$/, '*') }))
    case '-f':
    case '--fragment':
      // Second and later fragments: connections of ours have none worth following.
      return { condition: { is: 'always' }, not: true }
    case '-4':
    case '-6':
      return { condition: { is: 'family', families: [option === '-4' ? 4 : 6] }, not: false }
    case '-c':
    case '--set-counters':
      words.values()
      return { condition: { is: 'always' }, not: false }
    default:
      return null
  }
}

function withValue(words: Words, condition: (text: string) => Condition): Match {
  const { text, not } = words.value()
  return { condition: condition(text), not }
}

const NUMBERS: Readonly<Record<string, string>> = {
  '6': 'tcp',
  '17': 'udp',
  '1': 'icmp',
  '58': 'ipv6-icmp',
  icmpv6: 'ipv6-icmp',
}

function protocolOf(text: string): Condition {
  const name = text.toLowerCase()
  return name === 'all' || name === '0' ? { is: 'always' } : { is: 'protocol', protocols: [NUMBERS[name] ?? name] }
}

function addressesOf(text: string, side: 'source' | 'destination'): Condition {
  const ranges = text.split(',').map(part => (part.includes('-') ? parseRange(part) : parseNetwork(part)))
  const known = ranges.flatMap(range => range ?? [])
  return known.length === ranges.length
    ? { is: 'address', side, ranges: known }
    : { is: 'unknown', text: `${side} ${text}`, varies: 'never' }
}

/** Targets after which the next rule is looked at, as before. */
const GO_ON = new Set(
  'LOG NFLOG ULOG MARK CONNMARK TOS DSCP ECN TTL HL TCPMSS TCPOPTSTRIP SET CLASSIFY CHECKSUM AUDIT TRACE SECMARK CONNSECMARK RATEEST LED TEE IDLETIMER CT'.split(
    ' ',
  ),
)
/** Targets of extensions that end in ways of their own. */
const OTHERS = new Set('QUEUE NFQUEUE SYNPROXY TPROXY DNAT SNAT MASQUERADE REDIRECT NETMAP MIRROR CLUSTERIP'.split(' '))

function verdictOf(target: string, words: Words): Verdict {
  switch (target) {
    case 'ACCEPT':
      return { is: 'accept' }
    case 'DROP':
    case 'REJECT':
    case 'TARPIT':
      return { is: 'drop' }
    case 'RETURN':
      return { is: 'return' }
    case 'NOTRACK':
      return { is: 'notrack' }
    case 'CT':
      return { is: words.next() === '--notrack' ? 'notrack' : 'continue' }
    default:
      if (GO_ON.has(target)) return { is: 'continue' }
      // What is no target is a chain; one that is not there makes a question of it.
      return OTHERS.has(target) ? { is: 'unknown' } : { is: 'jump', chain: target }
  }
}
