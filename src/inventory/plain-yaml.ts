/**
 * The plain YAML that most inventories are written in, `key: word` and `key:` with more below, read a line at a time: in
 * a fifth of the library's time, and a fleet has 20,000 hosts. An entry that is not plain goes to the library by itself;
 * a file that is not goes there as a whole, and so does everything with a mistake in it.
 */
import * as YAML from 'yaml'

/** One entry, key and value; null where the library has something to say about it. */
export type ParseEntry = (text: string) => YAML.Pair | null

interface Level {
  readonly indent: number
  readonly map: YAML.YAMLMap
}

/** The entry that was read last: more of it may follow. */
interface Entry {
  readonly start: number
  readonly indent: number
  readonly pair: YAML.Pair
  readonly isEmpty: boolean
}

/** Tabs and carriage returns are the library's; so is what begins or ends a document, and a key that `?` announces. */
const BEYOND = /[\t\r\uFEFF]|^(?:---.|\.\.\.|%)|^ *[?:](?: |$)/m
const SKIPPED = / *(?:#[^\n]*)?(?:\n|$)/y
const LINE =
  /( *)(?:([A-Za-z0-9_](?:[\w./[\]-]|:(?=[^\s]))*)|"([^"\\\n]*)"|'([^'\n]*)') *:(?=[ \n]|$) *([^\n]*)(?:\n|$)/y
const VALUE =
  /^(?:([A-Za-z/](?:[\w./@+=,~%-]|:(?=\S)| +(?=[\w/]))*|\d{1,3}(?:\.\d{1,3}){3}|(?=[\da-fA-F:]*::[\da-fA-F])[\da-fA-F]{1,4}(?::[\da-fA-F]{0,4}){2,7}(?<!:))|(-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?)|"([^"\\]*)"|'([^']*)'|(\{\}))? *(?:(?<=^|\s)#.*)?$/
/** Words that are no text. */
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(word => [word, true] as const),
  ...['no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(word => [word, false] as const),
  ...['null', 'Null', 'NULL'].map(word => [word, null] as const),
])
const IS_TEXT = /^(?:[A-Za-z]|\d{1,3}(?:\.\d{1,3}){3}$)/

/** The mapping a text is; null where the library must read it. */
export function readPlainYaml(text: string, parseEntry: ParseEntry): YAML.YAMLMap | null {
  if (BEYOND.test(text)) return null
  return new PlainReader(text, parseEntry).read()
}

class PlainReader {
  readonly #text: string
  readonly #parseEntry: ParseEntry
  readonly #levels: Level[] = []
  #last: Entry | null = null
  #at = 0
  /** After `---`. */
  #isMarked = false
  constructor(text: string, parseEntry: ParseEntry) {
    this.#text = text
    this.#parseEntry = parseEntry
  }

  read(): YAML.YAMLMap | null {
    while (this.#at < this.#text.length) {
      if (this.#skip()) continue
      if (!this.#line()) return null
    }
    return this.#levels[0]?.map ?? null
  }

  /** A blank line, a comment, the `---` before everything. */
  #skip(): boolean {
    SKIPPED.lastIndex = this.#at
    if (SKIPPED.test(this.#text)) this.#at = SKIPPED.lastIndex
    else if (this.#isMarked || this.#last || !this.#text.startsWith('---\n', this.#at)) return false
    else {
      this.#isMarked = true
      this.#at += 4
    }
    return true
  }

  /** True where the line was read. */
  #line(): boolean {
    const start = this.#at
    const indent = this.#indentAt(start)
    const last = this.#last
    const isItem = this.#text.startsWith('-', start + indent)
    if (last && (indent > last.indent || (isItem && indent === last.indent))) {
      LINE.lastIndex = start
      // The first entry below a key; anything else is more of a value than the line of it showed.
      if (!last.isEmpty || isItem || !LINE.test(this.#text)) return this.#handOver(last)
      const map = new YAML.YAMLMap()
      last.pair.value = at(map, start + indent)
      this.#levels.push({ indent, map })
    }
    if (!last) this.#levels.push({ indent, map: at(new YAML.YAMLMap(), start + indent) })
    while ((this.#levels.at(-1)?.indent ?? -1) > indent) this.#levels.pop()
    return this.#levels.at(-1)?.indent === indent && this.#entry(start, indent)
  }

  #indentAt(start: number): number {
    let end = start
    while (this.#text.charAt(end) === ' ') end += 1
    return end - start
  }

  #entry(start: number, indent: number): boolean {
    LINE.lastIndex = start
    const [line, , word, double, single, written = ''] = LINE.exec(this.#text) ?? []
    const name = word ?? double ?? single
    const isPlain = line !== undefined && (word === undefined || (IS_TEXT.test(word) && !WORDS.has(word)))
    if (!isPlain || name === undefined) return this.#opaque(start, indent)
    const end = start + line.length
    const valueAt = end - written.length - (line.endsWith('\n') ? 1 : 0)
    const value = VALUE.exec(written)
    const key = at(new YAML.Scalar(name), start + indent)
    // Only a plain `<<` merges.
    if (word === undefined) key.type = double === undefined ? 'QUOTE_SINGLE' : 'QUOTE_DOUBLE'
    const pair = new YAML.Pair<unknown, unknown>(key, value ? at(nodeOf(value), valueAt) : null)
    this.#levels.at(-1)?.map.items.push(pair)
    this.#at = end
    const isEmpty = value?.slice(1).every(part => part === undefined) ?? false
    this.#last = { start, indent, pair, isEmpty }
    return value !== null || this.#handOver(this.#last)
  }

  /** An entry whose very key is not plain: `<<`, a number, words. */
  #opaque(start: number, indent: number): boolean {
    if (!/["'\w<]/.test(this.#text.charAt(start + indent))) return false
    const pair = new YAML.Pair<unknown, unknown>(null, null)
    this.#levels.at(-1)?.map.items.push(pair)
    this.#at = this.#text.indexOf('\n', start) + 1 || this.#text.length
    return this.#handOver({ start, indent, pair, isEmpty: false })
  }

  /** Gives an entry with all its lines to the library. */
  #handOver({ start, indent }: Entry): boolean {
    const end = this.#endOf(indent)
    const text = this.#text.slice(start, end)
    const pair = isInterrupted(text, indent) ? null : this.#parseEntry(text)
    const items = this.#levels.at(-1)?.map.items
    if (!pair || !items) return false
    YAML.visit(pairNode(pair), (_, node) => {
      if (YAML.isNode(node) && node.range)
        node.range = [node.range[0] + start, node.range[1] + start, node.range[2] + start]
    })
    items.splice(-1, 1, pair)
    this.#last = { start, indent, pair, isEmpty: false }
    this.#at = end
    return true
  }

  /** Where the next entry of this level, or of one above, begins. */
  #endOf(indent: number): number {
    let end = this.#at
    while (end < this.#text.length) {
      SKIPPED.lastIndex = end
      const found = this.#indentAt(end)
      const isMore = found > indent || (found === indent && this.#text.startsWith('-', end + indent))
      if (SKIPPED.test(this.#text)) end = SKIPPED.lastIndex
      else if (!isMore) return end
      else end = this.#text.indexOf('\n', end) + 1 || this.#text.length
    }
    return end
  }
}

/**
 * True where a comment that is no deeper than the entry stands in the middle of it: what comes after, the library may take
 * for something else, and it sees that in the whole file only.
 */
function isInterrupted(entry: string, indent: number): boolean {
  const depth = (line: string): number => line.search(/\S/)
  const [, ...lines] = entry.split('\n').filter(line => depth(line) >= 0)
  const comment = lines.findIndex(line => depth(line) <= indent && line.trimStart().startsWith('#'))
  return comment >= 0 && lines.slice(comment).some(line => !line.trimStart().startsWith('#'))
}

/** A mapping of the pair alone, so that it can be visited. */
function pairNode(pair: YAML.Pair): YAML.YAMLMap {
  const map = new YAML.YAMLMap()
  map.items.push(pair)
  return map
}

function nodeOf([, word, digits, double, single, empty]: RegExpExecArray): YAML.Node {
  if (empty !== undefined) return new YAML.YAMLMap()
  if (digits !== undefined) return Object.assign(new YAML.Scalar(Number(digits)), { source: digits })
  const text = word?.trimEnd()
  const known = text === undefined ? undefined : WORDS.get(text)
  return new YAML.Scalar(known === undefined ? (text ?? double ?? single ?? null) : known)
}

function at<T extends YAML.Node>(node: T, offset: number): T {
  node.range = [offset, offset, offset]
  return node
}
