/** What a file of nft declares, as far as its text tells: whether a chain will be there, and be empty, once it is loaded. */

export interface NftConf {
  /** `inet filter input`. */
  readonly chains: ReadonlySet<string>
  /** Tables whose rules are thrown out before new ones are added (`inet filter`); `*`: those of all. */
  readonly cleared: ReadonlySet<string>
  /** Files that it includes and names that it makes up of variables: nobody here knows what they stand for. */
  readonly unknown: readonly string[]
}

type Read = (path: string) => string | null

interface Found {
  readonly chains: Set<string>
  readonly cleared: Set<string>
  readonly unknown: string[]
}

const FAMILIES = new Set(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'])
const TOKENS = /#[^\n]*|"[^"\n]*"|'[^'\n]*'|\\\n|[{};\n]|[^\s{};"'#\\]+/g
const DEEPEST = 16

/** `read` has the text of a file, where somebody read it. */
export function readConf(text: string, read: Read): NftConf {
  const found: Found = { chains: new Set(), cleared: new Set(), unknown: [] }
  walk(text, read, found, [])
  return found
}

/** `blocks` are those around the text: the table of each, or null for any other. */
function walk(text: string, read: Read, found: Found, blocks: (string | null)[], depth = 0): void {
  let words: string[] = []
  for (const [token] of text.matchAll(TOKENS)) {
    if (token.startsWith('#') || token === '\\\n') continue
    if (token === '{') {
      blocks.push(opened(words, blocks, found))
      words = []
    } else if (token === '}' || token === ';' || token === '\n') {
      const path = includedBy(words)
      if (path === null) told(words, blocks, found)
      else include(path, read, found, blocks, depth)
      words = []
      if (token === '}') blocks.pop()
    } else words.push(token)
  }
}

/** A block begins: the table it is, if it is one. */
function opened(words: readonly string[], blocks: readonly (string | null)[], found: Found): string | null {
  const [what, ...name] = withoutVerb(words)
  const around = blocks.at(-1) ?? null
  if (what === 'chain') declare(around === null ? named(name, 2) : `${around} ${unquoted(name[0])}`, found)
  return what === 'table' && blocks.length === 0 ? named(name, 1) : null
}

/** A command without a block. */
function told(words: readonly string[], blocks: readonly (string | null)[], found: Found): void {
  if (blocks.length > 0) return
  const [verb = '', what, ...name] = words
  if (verb === 'flush' && what === 'ruleset' && name.length === 0) found.cleared.add('*')
  if (/^(flush|delete|destroy)$/.test(verb) && what === 'table') found.cleared.add(named(name, 1))
  const [made, ...called] = withoutVerb(words)
  if (made === 'chain') declare(named(called, 2), found)
}

function declare(chain: string, found: Found): void {
  if (chain.includes('$')) found.unknown.push(chain)
  else found.chains.add(chain)
}

/** Name of a table (1 word), or of a chain with its table (2); without a family it is of `ip`. */
function named(words: readonly string[], length: number): string {
  const family = FAMILIES.has(words[0] ?? '') && words.length > length ? words[0] : 'ip'
  const rest = family === words[0] && words.length > length ? words.slice(1) : words
  return [family, ...rest.slice(0, length).map(unquoted)].join(' ')
}

function include(path: string, read: Read, found: Found, blocks: (string | null)[], depth: number): void {
  const text = depth < DEEPEST && !/[*?[]/.test(path) ? read(path.startsWith('/') ? path : `/etc/${path}`) : null
  if (text === null) found.unknown.push(path)
  else walk(`${text}\n`, read, found, blocks, depth + 1)
}

/** The file that a line includes; null where it includes none. */
function includedBy(words: readonly string[]): string | null {
  return words[0] === 'include' && words[1] !== undefined ? unquoted(words[1]) : null
}

const withoutVerb = (words: readonly string[]): readonly string[] =>
  /^(add|create)$/.test(words[0] ?? '') ? words.slice(1) : words

const unquoted = (word = ''): string => word.replace(/^(["'])(.*)\1$/, '$2')
