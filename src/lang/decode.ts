/** A YAML node that knows its place; schema → typed value, or one sentence with `file:line:column`. */
import * as YAML from 'yaml'
import { z } from 'zod'
import { ConfigError, type Place } from '../errors.ts'
import { nearest, plain } from './text.ts'

type Path = readonly PropertyKey[]

/** What to say of a value in an error. */
export interface Where {
  /** What the value is called: `ansible_port`; empty for a whole file. */
  readonly label: string
  /** Place of the value at the path, or of the nearest one above it; of the key itself with `key`. */
  placeOf(path: Path, options?: { readonly key: boolean }): Place
}

interface Entry {
  readonly name: string
  /** False for keys such as `123` or `true`: Ansible does not take them for names. */
  readonly isText: boolean
  readonly node: Yaml
}

/** Place of a character of the text. */
export type PlaceAt = (offset: number) => Place

export const offsetOf = (node: unknown): number | undefined => (YAML.isNode(node) ? node.range?.[0] : undefined)

/** A key as the file writes it (`yes` stays `yes`); undefined for `<<`, and for lists and mappings. */
export function nameOf(key: unknown): string | undefined {
  if (!YAML.isScalar(key) || typeof key.value === 'symbol') return undefined
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
}

/** A node of a YAML file. Values and places are worked out when asked for: a fleet has many, an error needs one. */
export class Yaml {
  readonly #document: YAML.Document
  readonly #placeAt: PlaceAt
  readonly #node: unknown
  readonly #offset: number
  readonly #keyOffset: number
  /** The document has no aliases left in it. */
  constructor(document: YAML.Document, placeAt: PlaceAt, node: unknown = document.contents, keyOffset = 0) {
    this.#document = document
    this.#placeAt = placeAt
    this.#node = node
    this.#keyOffset = keyOffset
    this.#offset = offsetOf(node) ?? keyOffset
  }
  get place(): Place {
    return this.#placeAt(this.#offset)
  }
  /** Where the key of this value stands. */
  get keyPlace(): Place {
    return this.#placeAt(this.#keyOffset)
  }
  get isMapping(): boolean {
    return YAML.isMap(this.#node)
  }
  /** Nothing, at this node's place: what a name that stands alone maps to. */
  empty(): Yaml {
    return this.#child(null, this.#offset)
  }
  /** Plain JavaScript. Objects put keys that look like numbers first: take `entries` where the order matters. */
  get value(): unknown {
    if (YAML.isScalar(this.#node)) return this.#node.value
    return YAML.isNode(this.#node) ? this.#node.toJS(this.#document, { maxAliasCount: -1 }) : null
  }
  /** A number as the file writes it. */
  get written(): string | undefined {
    return YAML.isScalar(this.#node) && typeof this.#node.value === 'number' ? this.#node.source : undefined
  }
  /** The entries of a mapping in the file's order, those merged in with `<<` first; none for anything else. */
  entries(): readonly Entry[] {
    const own: Entry[] = []
    const merged: Entry[] = []
    for (const { key, value } of YAML.isMap(this.#node) ? this.#node.items : []) {
      const node = this.#child(value, offsetOf(key) ?? this.#offset)
      const name = nameOf(key)
      if (name !== undefined) own.push({ name, isText: YAML.isScalar(key) && typeof key.value === 'string', node })
      else merged.push(...(node.isMapping ? [node] : node.items().toReversed()).flatMap(from => from.entries()))
    }
    if (merged.length === 0) return own
    // PyYAML's order: a list is merged from its end, so that its first mapping wins; a key of its own wins over all.
    return [...new Map([...merged, ...own].map(entry => [entry.name, entry])).values()]
  }
  /** The node at the path; where the path ends early, the nearest one above. */
  at([first, ...rest]: Path): Yaml {
    if (first === undefined) return this
    const child = this.entries().find(({ name }) => name === String(first))?.node ?? this.items()[Number(first)]
    return child?.at(rest) ?? this
  }
  /** What is in a list; nothing in anything else. */
  items(): readonly Yaml[] {
    return YAML.isSeq(this.#node) ? this.#node.items.map(item => this.#child(item, this.#offset)) : []
  }
  #child(node: unknown, keyOffset: number): Yaml {
    return new Yaml(this.#document, this.#placeAt, node, keyOffset)
  }
}

/** The value a schema makes of the node at the path, or ConfigError at the place of the first thing wrong in it. */
export function decode<T>(schema: z.ZodType<T>, document: Yaml, path: Path = []): T {
  const node = document.at(path)
  return decodeValue(schema, node.value, {
    label: labelOf(path),
    placeOf: (rest, { key } = { key: false }) => (key ? node.at(rest).keyPlace : node.at(rest).place),
  })
}

/** The same for a value that is already at hand; `where` names it and finds its place. */
export function decodeValue<T>(schema: z.ZodType<T>, value: unknown, where: Where): T {
  const result = schema.safeParse(value, { reportInput: true, error: expectation })
  if (result.success) return result.data
  const issue = telling(result.error.issues)
  if (!issue) throw new TypeError('a schema refused a value without saying why')
  const { path, message } = issue
  const key = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  if (key !== undefined) {
    throw new ConfigError(message, { place: where.placeOf([...path, key], { key: true }) })
  }
  const label = labelOf([...(where.label === '' ? [] : [where.label]), ...path])
  const subject = label === '' ? '' : ` for ${label}`
  const expected = `${message}${subject}`
  throw new ConfigError(`${expected}, got ${describe(issue.input)}`, { place: where.placeOf(path), expected })
}

/** What was met, for the second half of `expected …, got …`, where it may be a password: its kind, and never itself. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof Date) return 'a date'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : 'a number'
}

/** The same for what may be shown: the value itself. */
export function describe(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'object') return kindOf(value)
  const text = typeof value === 'string' ? JSON.stringify(plain(value)) : String(value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** `['serial', 0]` → `serial[0]`. */
function labelOf(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('')
}

/**
 * The first issue, but the misspelt key rather than the one that is missing for it; of a union the branch that got furthest,
 * or what all its branches expect.
 */
function telling(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [first] = issues
  const unknown = issues.find(({ code }) => code === 'unrecognized_keys')
  const issue = first?.input === undefined && unknown?.path.length === (first?.path.length ?? 0) - 1 ? unknown : first
  if (issue?.code !== 'invalid_union') return issue
  const branches = issue.errors.map(telling).filter(branch => branch !== undefined)
  const deep = branches.find(({ path, code }) => path.length > 0 || code === 'unrecognized_keys')
  if (deep) return { ...deep, path: [...issue.path, ...deep.path] }
  if (issue.message.startsWith('expected')) return issue
  const wanted = new Set(branches.map(({ message }) => message.replace(/^expected /, '')))
  return { ...issue, message: `expected ${[...wanted].join(' or ') || 'another value'}` }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'nothing',
}
const UNITS: Readonly<Record<string, string>> = { string: 'a length of ', array: 'a number of items of ' }

/** Zod's findings in our words: the first half of `expected …, got …`. A schema's own sentence comes before it. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(' or ')}`
    case 'too_small':
      return `expected ${UNITS[issue.origin] ?? ''}${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
    case 'too_big':
      return `expected ${UNITS[issue.origin] ?? ''}${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
    case 'unrecognized_keys': {
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : []
      const near = nearest(issue.keys[0] ?? '', known)
      const rest = near === undefined ? '' : `; did you mean "${near}"?`
      const wanted = near === undefined ? `one of ${known.join(', ')}` : 'a known key'
      return `expected ${wanted}, got ${describe(issue.keys[0])}${rest}`
    }
    default:
      return undefined
  }
}
