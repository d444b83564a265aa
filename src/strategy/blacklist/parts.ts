/** A rule of iptables taken apart, so that it can be put together again without its question about the state. */
import { linesOf } from '../../firewall/iptables-save.ts'
import { splitWords } from '../../firewall/words.ts'

/** A rule where it stands in a save. */
export interface SavedRule {
  readonly table: string
  readonly chain: string
  readonly words: readonly string[]
  /** Index of its line among `linesOf` the text. */
  readonly at: number
  /** From 1, among the rules of its chain. */
  readonly position: number
}

/** The rules of a save, of any table, in order. */
export function rulesIn(text: string): SavedRule[] {
  const lengths = new Map<string, number>()
  let table = ''
  return linesOf(text).flatMap((line, at) => {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const [, chain, rest = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line) ?? []
    if (chain === undefined) return []
    const key = `${table} ${chain}`
    const position = (lengths.get(key) ?? 0) + 1
    lengths.set(key, position)
    return [{ table, chain, words: splitWords(rest), at, position }]
  })
}

/** Options that every rule may have, in the order in which a save prints them. */
const BASE: Readonly<Record<string, Slot>> = {
  '-s': 'source',
  '--source': 'source',
  '-d': 'destination',
  '--destination': 'destination',
  '-i': 'in',
  '-o': 'out',
  '-p': 'protocol',
  '--protocol': 'protocol',
}
type Slot = 'source' | 'destination' | 'in' | 'out' | 'protocol'

export interface Parts {
  /** The words of each, `!` and all, wherever it stood. */
  readonly base: Readonly<Partial<Record<Slot, readonly string[]>>>
  /** What extensions ask besides the state, in order. */
  readonly asks: readonly string[]
  /** Names of those extensions. */
  readonly modules: readonly string[]
  /** In capitals; null when the rule asks for none. */
  readonly states: readonly string[] | null
  /** From `-j` or `-g` on. */
  readonly verdict: readonly string[]
}

/** null for a rule that is more than this can say: two questions about the state, a denied one, others of tracking. */
export function partsOf(words: readonly string[]): Parts | null {
  const base: Partial<Record<Slot, readonly string[]>> = {}
  const asks: string[] = []
  const modules: string[] = []
  let states: readonly string[] | null = null
  let tracking = false
  for (let i = 0; i < words.length; i++) {
    const before = words[i] === '!' ? ['!'] : []
    if (before.length > 0) i += 1
    const word = words[i] ?? ''
    if (word === '-j' || word === '-g' || word === '--jump' || word === '--goto') {
      return tracking && states === null ? null : { base, asks, modules, states, verdict: words.slice(i) }
    }
    const slot = BASE[word]
    const denied = words[i + 1] === '!'
    const value = words[i + (denied ? 2 : 1)] ?? ''
    if (slot) {
      if (base[slot]) return null
      base[slot] = [...before, word, ...(denied ? ['!'] : []), value]
      i += denied ? 2 : 1
    } else if (word === '-m' || word === '--match') {
      i += 1
      if (value === 'state' || value === 'conntrack') tracking = true
      else {
        asks.push('-m', value)
        modules.push(value)
      }
    } else if (word === '--state' || word === '--ctstate') {
      if (states !== null || before.length > 0 || denied) return null
      states = value.toUpperCase().split(',')
      i += 1
    } else if (word.startsWith('--ct')) return null
    else asks.push(...before, word)
  }
  return tracking && states === null ? null : { base, asks, modules, states, verdict: [] }
}

/** The words of a rule, in the order of a save. `-m` of the protocol comes first, as the tools print it. */
export function wordsOf({ base, asks, verdict }: Pick<Parts, 'base' | 'asks' | 'verdict'>): string[] {
  const { source = [], destination = [], in: from = [], out = [], protocol = [] } = base
  return [...source, ...destination, ...from, ...out, ...protocol, ...asks, ...verdict]
}

/** True when it says `not`, in either of the two places. */
export function isDenied(words: readonly string[] | undefined): boolean {
  return words?.includes('!') ?? false
}
