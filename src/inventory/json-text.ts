/** JSON as nodes that know their places, in the order of the text: as fast as plain YAML, and errors keep line and column. */
import * as YAML from 'yaml'

/** Where a text stops being JSON: at the first thing that has no business there, or at the end of one cut off. */
export class JsonFault extends Error {
  readonly offset: number
  constructor(offset: number) {
    super('this is no JSON')
    this.offset = offset
  }
}

/** What a mapping stands for, such as a vault; undefined where it is only itself. */
export type Revive = (key: string, text: string) => unknown

const SPACE = /[ \t\r\n]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none of them in its strings
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/** The one value of a text. Throws JsonFault, and RangeError for one nested too deeply. */
export function readJson(text: string, revive: Revive): YAML.Node {
  return new JsonReader(text, revive).read()
}

class JsonReader {
  readonly #text: string
  readonly #revive: Revive
  #at = 0
  constructor(text: string, revive: Revive) {
    this.#text = text
    this.#revive = revive
  }

  read(): YAML.Node {
    const node = this.#value()
    if (this.#peek() !== '') throw new JsonFault(this.#at)
    return node
  }

  #value(): YAML.Node {
    const next = this.#peek()
    const start = this.#at
    if (next === '{') return at(this.#mapping(), start)
    if (next === '[') return at(this.#list(), start)
    if (next === '"') return at(this.#string(), start)
    const source = this.#take(PLAIN)
    return at(Object.assign(new YAML.Scalar<unknown>(JSON.parse(source)), { source }), start)
  }

  #mapping(): YAML.Node {
    const map = new YAML.YAMLMap()
    this.#members('}', () => {
      if (this.#peek() !== '"') throw new JsonFault(this.#at)
      const start = this.#at
      const key = at(this.#string(), start)
      if (this.#peek() !== ':') throw new JsonFault(this.#at)
      this.#at += 1
      map.items.push(new YAML.Pair<unknown, unknown>(key, this.#value()))
    })
    const [only, ...more] = map.items
    if (more.length > 0 || !YAML.isScalar(only?.key) || !YAML.isScalar(only.value)) return map
    const { value } = only.value
    const revived = typeof value === 'string' ? this.#revive(String(only.key.value), value) : undefined
    return revived === undefined ? map : new YAML.Scalar(revived)
  }

  #list(): YAML.YAMLSeq {
    const list = new YAML.YAMLSeq()
    this.#members(']', () => list.items.push(this.#value()))
    return list
  }

  /** What stands between brackets, with commas between. */
  #members(end: string, read: () => void): void {
    this.#at += 1
    if (this.#peek() !== end) {
      read()
      while (this.#peek() === ',') {
        this.#at += 1
        read()
      }
      if (this.#peek() !== end) throw new JsonFault(this.#at)
    }
    this.#at += 1
  }

  #string(): YAML.Scalar {
    const source = this.#take(STRING)
    const text: unknown = source.includes('\\') ? JSON.parse(source) : source.slice(1, -1)
    // In YAML only a plain `<<` merges; in JSON none does.
    return Object.assign(new YAML.Scalar(text), { type: 'QUOTE_DOUBLE' as const })
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0]
    if (found === undefined) throw new JsonFault(this.#at)
    this.#at += found.length
    return found
  }

  /** The next character that is no space; none at the end. */
  #peek(): string {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
    return this.#text.charAt(this.#at)
  }
}

function at<T extends YAML.Node>(node: T, offset: number): T {
  node.range = [offset, offset, offset]
  return node
}
