/** What Python's `ast.literal_eval` makes of a text: the types that values of an INI inventory have in Ansible. */
import { readNumber, readString } from './python-token.ts'

/** Python gives up here as well. */
const MAX_DEPTH = 200

/** No literal: the text stays what it is. One for all: most texts are none, and an error costs what its stack costs. */
const NO_LITERAL = new Error('no literal')

/** A list or a mapping as a key, or in a set: the one thing that Python refuses instead of leaving it a text. */
export class Unhashable extends Error {}

/** Most values of a fleet: words, paths and addresses. */
const PLAIN = /^(?:(?!(?:True|False|None|set)\b)[A-Za-z_/~][\w./:@+~-]*|\d+\.\d+\.\d[\d.]*)$/
const SPACE = /[ \t\f]*/y
const WORD = /(?:True|False|None|set[ \t\f]*\([ \t\f]*\))(?!\w)/y

/** The value of a literal, else the text itself. Throws Unhashable. */
export function literalOrText(text: string): unknown {
  if (PLAIN.test(text)) return text
  try {
    return new Literal(text.replace(/^[ \t]+/, '')).read()
  } catch (error) {
    if (error === NO_LITERAL) return text
    throw error
  }
}

class Literal {
  readonly #text: string
  #at = 0
  /** Python sees it only once the whole text is a literal. */
  #isUnhashable = false
  constructor(text: string) {
    this.#text = text
  }

  read(): unknown {
    const first = this.#value(0)
    const value = this.#peek() === ',' ? this.#rest([first], '', 0) : first
    // A comment may follow.
    if (this.#peek() !== '' && this.#peek() !== '#') throw NO_LITERAL
    if (this.#isUnhashable) throw new Unhashable()
    return settle(value)
  }

  /** The next character that is no space; empty at the end. */
  #peek(): string {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
    return this.#text.charAt(this.#at)
  }

  #take(char: string): boolean {
    if (this.#peek() !== char || char === '') return false
    this.#at += 1
    return true
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw NO_LITERAL
    if (this.#take('[')) return this.#rest([], ']', depth)
    if (this.#take('(')) return this.#parenthesis(depth)
    if (this.#take('{')) return this.#take('}') ? {} : this.#braces(depth)
    if (this.#take('-')) return -this.#unsigned()
    if (this.#take('+')) return this.#unsigned()
    return this.#word() ?? this.#token()
  }

  #word(): unknown {
    this.#peek()
    WORD.lastIndex = this.#at
    const word = WORD.exec(this.#text)?.[0]
    if (word === undefined) return undefined
    this.#at += word.length
    // null would be taken for "no word".
    return word === 'None' ? NONE : word === 'True' ? true : word === 'False' ? false : []
  }

  #token(): unknown {
    this.#peek()
    const found = readString(this.#text, this.#at) ?? readNumber(this.#text, this.#at)
    if (!found) throw NO_LITERAL
    this.#at = found.end
    return found.value
  }

  #unsigned(): number {
    const parenthesised = this.#take('(')
    const value = this.#token()
    if (typeof value !== 'number' || (parenthesised && !this.#take(')'))) throw NO_LITERAL
    return value
  }

  /** A tuple, or one value in parentheses. */
  #parenthesis(depth: number): unknown {
    if (this.#take(')')) return []
    const first = this.#value(depth + 1)
    return this.#take(')') ? first : this.#rest([first], ')', depth)
  }

  /** Items up to the bracket that closes, a comma after the last one allowed. */
  #rest(items: unknown[], close: string, depth: number): unknown[] {
    if (items.length > 0 && !this.#take(',')) throw NO_LITERAL
    while (this.#peek() !== close) {
      if (close === '' && this.#peek() === '#') break
      items.push(this.#value(depth + 1))
      if (!this.#take(',')) break
    }
    if (close !== '' && !this.#take(close)) throw NO_LITERAL
    return items.map(settle)
  }

  /** A dict or a set that is not empty. */
  #braces(depth: number): unknown {
    const first = this.#value(depth + 1)
    if (!this.#take(':')) {
      const items = this.#take('}') ? [settle(first)] : this.#rest([first], '}', depth)
      for (const item of items) this.#keyOf(item)
      return [...new Set(items)]
    }
    const entries = new Map([[this.#keyOf(settle(first)), settle(this.#value(depth + 1))]])
    while (this.#take(',') && this.#peek() !== '}') {
      const key = this.#value(depth + 1)
      if (!this.#take(':')) throw NO_LITERAL
      entries.set(this.#keyOf(settle(key)), settle(this.#value(depth + 1)))
    }
    if (!this.#take('}')) throw NO_LITERAL
    return Object.fromEntries(entries)
  }

  /** As JSON writes the keys of a dict. */
  #keyOf(key: unknown): string {
    if (typeof key === 'object' && key !== null) this.#isUnhashable = true
    return String(key)
  }
}

const NONE = Symbol('None')
const settle = (value: unknown): unknown => (value === NONE ? null : value)
