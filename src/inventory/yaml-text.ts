/** What a user's file says: bytes → text → YAML node, with every way that can go wrong said in one plain sentence. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import * as YAML from 'yaml'
import { ConfigError, codeOf } from '../errors.ts'
import { type PlaceAt, Yaml } from '../lang/decode.ts'
import { plain } from '../lang/text.ts'
import { JsonFault, type Revive, readJson } from './json-text.ts'
import { readPlainYaml } from './plain-yaml.ts'
import { settle } from './yaml-settle.ts'

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file: a part of its path is not a directory',
  EISDIR: 'expected a file, got a directory',
  EACCES: 'the file cannot be read: permission denied',
  ELOOP: 'the file cannot be read: its symbolic links form a circle',
}

/** Why a file that a user named cannot be read, by the error of the system. */
export function unreadableFile(file: string, cause: unknown, hint?: string): ConfigError {
  const code = String(codeOf(cause) ?? 'an unknown error')
  return new ConfigError(READ_FAILURES[code] ?? `the file cannot be read: ${code}`, { place: { file }, hint, cause })
}

/** The text of a file a user named; a byte order mark is dropped. */
export function readText(file: string, { hint }: { readonly hint?: string | undefined } = {}): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw unreadableFile(file, error, hint)
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

/** True where nothing is written but space, comments and `---`. */
export function isBlank(text: string): boolean {
  return text.split('\n').every(line => /^\s*(?:#[\s\S]*|---\s*(?:#[\s\S]*)?)?$/.test(line))
}

interface YamlOptions extends YAML.ParseOptions, YAML.SchemaOptions, YAML.DocumentOptions {
  /** Reads what is plain at once; only where its words and numbers are what the other options make of them. */
  readonly plainFirst?: boolean
  /** What mappings of one key stand for, where the text is JSON. */
  readonly revive?: Revive
}

const asItIs: Revive = () => undefined

/** One YAML document, 1.2 core unless the options say otherwise. Throws ConfigError. */
export function parseYaml(
  written: string,
  file: string,
  { plainFirst = false, revive = asItIs, ...options }: YamlOptions = {},
): Yaml {
  // A line may end as on Windows, inside quotes as well: PyYAML makes one character of it, and no place moves.
  const text = written.replaceAll('\r\n', '\n')
  if (/^[\s\uFEFF]*$/.test(text)) throw new ConfigError('expected YAML, got an empty file', { place: { file } })
  const lineCounter = new YAML.LineCounter()
  const placeAt = placesBy(lineCounter, file)
  return shallow('YAML', file, () => {
    // The library's own search for duplicate keys is quadratic (7 s for 20,000 hosts); `settle` does it instead.
    const rules: YamlOptions = { ...options, uniqueKeys: false, prettyErrors: false, logLevel: 'error' }
    const plainly = plainFirst ? readPlainly(text, rules, revive) : null
    const document = plainly
      ? documentOf(plainly, text, lineCounter)
      : YAML.parseDocument(text, { ...rules, lineCounter })
    const wrong = faultOf(document)
    if (wrong) throw syntaxError(wrong, document, placeAt)
    if (document.contents === null) throw new ConfigError('expected YAML, got only comments', { place: { file } })
    settle(document, placeAt)
    return new Yaml(document, placeAt)
  })
}

/** One JSON document, where nothing else will do. Throws ConfigError. */
export function parseJson(text: string, file: string, revive: Revive = asItIs): Yaml {
  const lineCounter = new YAML.LineCounter()
  const placeAt = placesBy(lineCounter, file)
  try {
    return shallow('JSON', file, () => {
      const document = documentOf(readJson(text, revive), text, lineCounter)
      settle(document, placeAt)
      return new Yaml(document, placeAt)
    })
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    countLines(text, lineCounter)
    const isCut = error.offset === text.length
    const got = text.trim() === '' ? 'nothing' : isCut ? 'the end of the text' : 'something else'
    throw new ConfigError(`expected JSON, got ${got}`, { place: placeAt(error.offset), expected: 'expected JSON' })
  }
}

function placesBy(lineCounter: YAML.LineCounter, file: string): PlaceAt {
  return offset => {
    const { line, col } = lineCounter.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
}

/** Says of a text that is deeper than the stack that it is. */
function shallow<T>(format: string, file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const message = `expected ${format}, got a file nested too deeply to read`
    throw new ConfigError(message, { place: { file }, cause: error })
  }
}

/** What needs no library; null where it must read the text. */
function readPlainly(text: string, rules: YamlOptions, revive: Revive): YAML.Node | null {
  if (!/^\s*\{/.test(text)) return readPlainYaml(text, entry => parseEntry(entry, rules))
  try {
    return readJson(text, revive)
  } catch (error) {
    // A mapping that only YAML reads, or a mistake: the library tells which.
    if (error instanceof JsonFault) return null
    throw error
  }
}

function documentOf(contents: YAML.Node, text: string, lineCounter: YAML.LineCounter): YAML.Document {
  const document = new YAML.Document<YAML.Node>(null, { version: '1.1' })
  document.contents = contents
  countLines(text, lineCounter)
  return document
}

function faultOf({ errors, warnings }: YAML.Document): YAML.YAMLError | undefined {
  return errors[0] ?? warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED')
}

/** One entry that is not plain, as a text of its own; null where it has a fault: the whole file tells it better. */
function parseEntry(text: string, rules: YamlOptions): YAML.Pair | null {
  const document = YAML.parseDocument(text, rules)
  if (faultOf(document) || !YAML.isMap(document.contents) || document.contents.flow) return null
  const [pair, ...more] = document.contents.items
  return more.length === 0 ? (pair ?? null) : null
}

function countLines(text: string, lineCounter: YAML.LineCounter): void {
  for (let start = 0; start !== -1; ) {
    lineCounter.addNewLine(start)
    const end = text.indexOf('\n', start)
    start = end === -1 ? -1 : end + 1
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
  let sentence = SENTENCES[code] ?? `expected YAML, got an error: ${withoutSource(message)}`
  if (code === 'TAG_RESOLVE_FAILED') {
    // Not named: `!hunter2` may have been meant as a password.
    sentence = 'expected no tag but !vault, !vault-encrypted or !unsafe, got another; put text with a ! in quotes'
  } else if (/^Missing closing ["']quote/.test(message)) {
    sentence = 'expected a closing quote, got the end of the file'
    // The library points at the end of the file; a person looks for the quote that opened.
    YAML.visit(document, {
      Scalar: (_, { type, range }) => {
        if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') offset = range?.[0] ?? offset
      },
    })
  }
  return new ConfigError(sentence, { place: placeAt(offset), expected: sentence.replace(/, got .*$/s, '') })
}

/** The library quotes the text at the end of its sentences: what stands there may be a password. */
function withoutSource(message: string): string {
  return plain(message.replace(/(?:: | escape sequence ).*$/s, '').replaceAll(/\s+/g, ' '))
}
