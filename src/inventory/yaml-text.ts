/** What a user's file says: bytes → text → YAML node, with every way that can go wrong said in one plain sentence. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import * as YAML from 'yaml'
import { ConfigError, formatPlace } from '../errors.ts'
import { describe, nameOf, offsetOf, type PlaceAt, Yaml } from '../lang/decode.ts'
import { plain } from '../lang/text.ts'

/** Nodes that aliases may stand for in one file: an inventory of 20,000 hosts merges some 100,000, a bomb billions. */
const MAX_ALIASED_NODES = 1_000_000
/** Deeper than any file a person writes; each level costs stack. */
const MAX_DEPTH = 100

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file: a part of its path is not a directory',
  EISDIR: 'expected a file, got a directory',
  EACCES: 'the file cannot be read: permission denied',
  ELOOP: 'the file cannot be read: its symbolic links form a circle',
}

/** The text of a file a user named; a byte order mark is dropped. */
export function readText(file: string, { hint }: { readonly hint?: string | undefined } = {}): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an unknown error'
    throw new ConfigError(READ_FAILURES[code] ?? `the file cannot be read: ${code}`, {
      place: { file },
      hint,
      cause: error,
    })
  }
  if (!isUtf8(bytes)) {
    // No byte of a longer character is a newline, so each line can be judged by itself.
    let line = 1
    for (let start = 0, end = 0; end !== -1; start = end + 1, line++) {
      end = bytes.indexOf(0x0a, start)
      if (!isUtf8(bytes.subarray(start, end === -1 ? bytes.length : end))) break
    }
    throw new ConfigError('expected UTF-8 text, got other bytes', { place: { file, line } })
  }
  return new TextDecoder().decode(bytes)
}

type YamlOptions = YAML.ParseOptions & YAML.SchemaOptions & YAML.DocumentOptions

/** One YAML document, 1.2 core unless the options say otherwise. Throws ConfigError. */
export function parseYaml(text: string, file: string, options: YamlOptions = {}): Yaml {
  if (/^[\s\uFEFF]*$/.test(text)) throw new ConfigError('expected YAML, got an empty file', { place: { file } })
  const lineCounter = new YAML.LineCounter()
  const placeAt: PlaceAt = offset => {
    const { line, col } = lineCounter.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  try {
    // The library's own search for duplicate keys is quadratic (7 s for 20,000 hosts); `settle` does it instead.
    const document = YAML.parseDocument(text, { ...options, uniqueKeys: false, prettyErrors: false, lineCounter })
    const wrong = document.errors[0] ?? document.warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED')
    if (wrong) throw syntaxError(wrong, document, placeAt)
    if (document.contents === null) throw new ConfigError('expected YAML, got only comments', { place: { file } })
    settle(document, placeAt)
    return new Yaml(document, placeAt)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError('expected YAML, got a file nested too deeply to read', {
      place: { file },
      cause: error,
    })
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'expected spaces for indentation, got a tab',
  MULTIPLE_DOCS: 'expected one YAML document, got a second one',
  BLOCK_AS_IMPLICIT_KEY: 'expected one "key: value" on a line, got a second one; put the value in quotes',
  MULTILINE_IMPLICIT_KEY: 'expected "key: value", got a line without a colon and a space',
  BAD_INDENT: 'expected the indentation of the lines above, or a closing bracket, got something else',
  BAD_SCALAR_START: 'expected a value, got a character that cannot start one; put it in quotes',
  RESOURCE_EXHAUSTION: 'expected YAML, got a file nested too deeply to read',
}

function syntaxError({ code, message, pos }: YAML.YAMLError, document: YAML.Document, placeAt: PlaceAt): ConfigError {
  let offset = pos[0]
  let sentence = SENTENCES[code] ?? `expected YAML, got an error: ${plain(message)}`
  if (code === 'TAG_RESOLVE_FAILED') {
    sentence = `expected a known tag, got ${plain(message.replace(/^Unresolved tag: /, ''))}`
  } else if (/^Missing closing ["']quote/.test(message)) {
    sentence = 'expected a closing quote, got the end of the file'
    // The library points at the end of the file; a person looks for the quote that opened.
    YAML.visit(document, {
      Scalar: (_, { type, range }) => {
        if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') offset = range?.[0] ?? offset
      },
    })
  }
  return new ConfigError(sentence, { place: placeAt(offset) })
}

/** How many nodes a node is and how many levels, those behind its aliases included. */
interface Extent {
  readonly size: number
  readonly height: number
}

/** Puts what aliases stand for in their places; refuses bombs, duplicate keys, and keys that are lists or mappings. */
function settle(document: YAML.Document, placeAt: PlaceAt): void {
  const anchors = new Map<string, YAML.Node>()
  /** Of anchored nodes that are finished: one that is missing contains its own alias. */
  const extents = new Map<YAML.Node, Extent>()
  let aliased = 0

  function fail(message: string, node: unknown): never {
    throw new ConfigError(message, { place: placeAt(offsetOf(node) ?? 0) })
  }

  /** Settles the children of a node; `put` takes the node an alias stands for. */
  function visit(node: unknown, depth: number, put: (target: YAML.Node) => void): Extent {
    const extent = YAML.isAlias(node) ? follow(node, put) : visitChildren(node, depth)
    if (depth + extent.height > MAX_DEPTH) fail(`expected at most ${MAX_DEPTH} levels, got more`, node)
    return extent
  }

  function follow(alias: YAML.Alias, put: (target: YAML.Node) => void): Extent {
    const name = plain(alias.source)
    const target = anchors.get(alias.source) ?? fail(`expected an anchor &${name} above, got none`, alias)
    const extent = extents.get(target) ?? fail(`expected a value, got one that contains itself: *${name}`, alias)
    aliased += extent.size
    if (aliased > MAX_ALIASED_NODES) fail(`expected at most ${MAX_ALIASED_NODES} values by alias, got more`, alias)
    put(target)
    return extent
  }

  function visitChildren(node: unknown, depth: number): Extent {
    let size = 1
    let height = 0
    const add = (child: Extent): void => {
      size += child.size
      height = Math.max(height, child.height + 1)
    }
    if (!YAML.isScalar(node) && !YAML.isCollection(node)) return { size, height }
    if (depth > MAX_DEPTH) fail(`expected at most ${MAX_DEPTH} levels, got more`, node)
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    if (YAML.isSeq(node)) {
      for (const [i, item] of node.items.entries()) {
        add(visit(item, depth + 1, target => node.items.splice(i, 1, target)))
      }
    } else if (YAML.isMap(node)) {
      refuseKeys(node)
      for (const pair of node.items) {
        add(visit(pair.value, depth + 1, target => Object.assign(pair, { value: target })))
        if (nameOf(pair.key) === undefined && !isMergeable(pair.value)) fail('expected a mapping to merge', pair.key)
      }
    }
    if (node.anchor !== undefined) extents.set(node, { size, height })
    return { size, height }
  }

  function refuseKeys({ items }: YAML.YAMLMap): void {
    const seen = new Map<string, unknown>()
    for (const { key } of items) {
      const name = nameOf(key)
      if (name === undefined && !YAML.isScalar(key)) {
        fail('expected text as a key, got a list, a mapping or an alias; does a {{ }} lack its quotes?', key)
      }
      const first = name === undefined ? undefined : seen.get(name)
      if (first !== undefined) {
        const place = formatPlace(placeAt(offsetOf(first) ?? 0))
        fail(`expected each key once, got ${describe(name)} again (first at ${place})`, key)
      }
      if (name !== undefined) seen.set(name, key)
    }
  }

  visit(document.contents, 0, () => {})
}

function isMergeable(value: unknown): boolean {
  return YAML.isMap(value) || (YAML.isSeq(value) && value.items.every(YAML.isMap))
}
