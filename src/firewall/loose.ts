/** Words of a rule of iptables as anybody may write them: in which order options stand and states are listed says nothing. */
import { canonicalWords, joinWords } from './words.ts'

const SHORT: Readonly<Record<string, string>> = {
  ...{ '--match': '-m', '--jump': '-j', '--goto': '-g', '--protocol': '-p', '--proto': '-p' },
  ...{ '--source': '-s', '--src': '-s', '--destination': '-d', '--dst': '-d' },
  ...{ '--table': '-t', '--append': '-A', '--insert': '-I' },
  ...{ '--in-interface': '-i', '--out-interface': '-o', '--fragment': '-f' },
}
const BASE = ['-p', '-s', '-d', '-i', '-o', '-f']
/** Values that are lists without an order. */
const LISTS = ['--state', '--ctstate', '--ctstatus']
/** Their options may stand without the match, once the protocol is said. */
const PROTOCOLS = ['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmp6', 'ah', 'esp', 'mh']

/** One word for an option that has two. */
export function shortened(words: readonly string[]): string[] {
  return words.map(word => SHORT[word] ?? word)
}

/** True when both are the same rule, whoever wrote them. */
export function isLooselySame(one: readonly string[], other: readonly string[], family: 4 | 6): boolean {
  return looseSpec(one, family) === looseSpec(other, family)
}

/** The same for every spelling of a rule. Options go by the match they belong to, for two matches may have the same ones. */
export function looseSpec(words: readonly string[], family: 4 | 6): string {
  const groups = new Map<string, string[]>()
  let protocol = ''
  let group = ''
  for (const { not, option, values } of optionsOf(shortened(words))) {
    const [value = ''] = values
    const isBase = BASE.includes(option)
    if (option === '-p') protocol = value
    if (option === '-m') group = PROTOCOLS.includes(value) ? value : `${value} ${groups.size}`
    else if (option === '-j' || option === '-g') group = 'target'
    else if (isBase) group = protocol
    const said = joinWords(canonicalWords([option, ...values], family))
    const home = isBase ? 'base' : group
    if (option !== '-m' || !PROTOCOLS.includes(value)) {
      groups.set(home, [...(groups.get(home) ?? []), `${not ? '! ' : ''}${said}`])
    }
  }
  // In a policy the order of its elements says something.
  return [...groups.values()]
    .map(options => (options[0] === '-m policy' ? options : options.toSorted()).join(' '))
    .toSorted()
    .join(' ; ')
}

interface Option {
  readonly not: boolean
  readonly option: string
  readonly values: readonly string[]
}

function optionsOf(words: readonly string[]): Option[] {
  const starts = words.flatMap((word, at) => (/^-\S*$/.test(word) ? [at] : []))
  return starts.map((at, i) => {
    const before = words[at - 1] === '!'
    const next = starts[i + 1] ?? words.length
    const said = words.slice(at + 1, words[next - 1] === '!' && next < words.length ? next - 1 : next)
    // Old versions write `-s ! 10.0.0.0/8`.
    const inside = said[0] === '!'
    return {
      not: before || inside,
      option: words[at] ?? '',
      values: valuesOf(words[at] ?? '', said.slice(inside ? 1 : 0)),
    }
  })
}

function valuesOf(option: string, values: readonly string[]): string[] {
  if (LISTS.includes(option)) return values.map(value => value.split(',').toSorted().join(','))
  return option === '-p' || option === '-m'
    ? values.map(value => (/^(ipv6-icmp|icmpv6)$/.test(value) ? 'icmp6' : value))
    : [...values]
}
