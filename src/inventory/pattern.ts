/** Host patterns, as `--limit` and a play's `hosts` have them: `edge:&rack1:!web03`, `web*`, `cache[0]`, `~regex`. */
import { isIPv6 } from 'node:net'
import { ConfigError, NoMatchError, type Place, UsageError } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import { nearest, plain } from '../lang/text.ts'
import { globToRegExp } from './glob.ts'
import type { Host } from './host.ts'
import { fromPython } from './python-regex.ts'
import { readText } from './yaml-text.ts'

/** What a pattern chooses from. */
interface Names {
  readonly names: readonly string[]
  readonly groups: ReadonlyMap<string, { readonly hosts: readonly string[] }>
}

/** A host is made only when chosen. */
interface Fleet extends Names {
  host(name: string): Host | undefined
}

interface Part {
  readonly sign: '' | '!' | '&'
  /** Without sign and subscript. */
  readonly body: string
  readonly written: string
  readonly slice: { readonly from: number; readonly to: number } | null
}

type Malformed = (message: string) => Error

/**
 * The hosts a pattern selects, in inventory order. Throws NoMatchError when a part, or the whole, selects nothing, and
 * for a pattern that is none ConfigError at its place in a file, or UsageError when it comes from the command line.
 */
export function selectHosts(fleet: Fleet, pattern: string, from: { readonly place?: Place } = {}): readonly Host[] {
  return selectNames(fleet, pattern, from).flatMap(name => fleet.host(name) ?? [])
}

/** The same without a look at what is said of them. */
export function selectNames(
  fleet: Names,
  pattern: string,
  { place }: { readonly place?: Place } = {},
): readonly string[] {
  const malformed: Malformed = message => (place ? new ConfigError(message, { place }) : new UsageError(message))
  const { names } = fleet
  const known = new Set(names)
  const parts = splitPattern(pattern, known)
    .flatMap(text => (text.startsWith('@') ? linesOf(text.slice(1), malformed, place) : [text]))
    .map(text => parsePart(text, malformed))
  if (parts.length === 0) throw malformed(`expected a host pattern, got ${describe(pattern)}; "all" selects every host`)
  const matched = parts.map(part => ({ ...part, hosts: hostsOf(part, fleet, known, malformed) }))
  // Ansible's order whatever the pattern's: first what is chosen, then what it must also be in, then what it must not.
  const chosen = matched.filter(({ sign }) => sign === '')
  const selected = new Set(chosen.length > 0 ? chosen.flatMap(({ hosts }) => hosts) : names)
  for (const { sign, hosts } of matched) {
    const these = new Set(hosts)
    if (sign !== '') for (const name of selected) if (these.has(name) === (sign === '!')) selected.delete(name)
  }
  if (selected.size === 0) throw new NoMatchError(`no host matches ${describe(pattern)}`)
  return names.filter(name => selected.has(name))
}

/** Commas, colons and spaces part patterns, but not inside brackets, IPv6 addresses and a regex's parentheses. */
function splitPattern(pattern: string, known: ReadonlySet<string>): readonly string[] {
  if (known.has(pattern.trim())) return [pattern.trim()]
  return splitOutside(pattern, /[,\s]/).flatMap(part =>
    isIPv6(part.replace(/^[!&]/, '')) || known.has(part) ? [part] : splitOutside(part, /:/),
  )
}

/** `@file`: a pattern a line, as Ansible's retry files have them. Only `--limit` has it: a play names its hosts itself. */
function linesOf(file: string, malformed: Malformed, place: Place | undefined): readonly string[] {
  if (place || file === '') throw malformed(`expected a host pattern, got ${describe(`@${file}`)}`)
  const lines = readText(file)
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  if (lines.length === 0) throw new NoMatchError(`no host matches "@${plain(file)}": the file is empty`)
  return lines
}

function splitOutside(text: string, separator: RegExp): readonly string[] {
  const parts = ['']
  let depth = 0
  let isRegex = false
  for (const char of text) {
    const current = parts.at(-1) ?? ''
    if (depth === 0 && separator.test(char)) {
      parts.push('')
      isRegex = false
      continue
    }
    if (/^[!&]?$/.test(current) && char === '~') isRegex = true
    if (char === '[' || (isRegex && (char === '(' || char === '{'))) depth += 1
    if (depth > 0 && (char === ']' || (isRegex && (char === ')' || char === '}')))) depth -= 1
    parts[parts.length - 1] = current + char
  }
  return parts.filter(part => part !== '')
}

/** `web[1-3]` counts members of the group as `web[1:3]` does, in Ansible, too: it is no glob. */
function parsePart(written: string, malformed: Malformed): Part {
  const sign = written.startsWith('!') ? '!' : written.startsWith('&') ? '&' : ''
  const body = written.slice(sign.length)
  if (body === '' || body === '~') throw malformed(`expected a name after ${sign}${body}, got nothing`)
  const subscript = body.startsWith('~') ? null : /^(.+)\[(?:(-?\d{1,9})|(\d{1,9})[:-](\d{0,9}))\]$/s.exec(body)
  if (!subscript) return { sign, body, written, slice: null }
  const [, base = '', index, from = '', to = ''] = subscript
  if (index !== undefined) return { sign, body: base, written, slice: { from: Number(index), to: Number(index) } }
  return { sign, body: base, written, slice: { from: Number(from), to: to === '' ? -1 : Number(to) } }
}

function hostsOf(part: Part, fleet: Names, known: ReadonlySet<string>, malformed: Malformed): readonly string[] {
  const found = matches(part, fleet, known, malformed)
  if (!found) throw nothingCalled(part, fleet)
  if (!part.slice) return found
  const from = part.slice.from < 0 ? found.length + part.slice.from : part.slice.from
  const to = part.slice.to < 0 ? found.length + part.slice.to : part.slice.to
  const sliced = from < 0 ? [] : found.slice(from, to + 1)
  if (sliced.length > 0) return sliced
  throw new NoMatchError(
    `${describe(part.written)} matches nothing: ${plain(part.body)} has ${found.length} hosts, counted from 0`,
  )
}

/** Hosts a part names; null when it names nothing at all. A group that happens to be empty is a name. */
function matches(
  { sign, body }: Part,
  { groups }: Names,
  known: ReadonlySet<string>,
  malformed: Malformed,
): readonly string[] | null {
  if (body === '*') return groups.get('all')?.hosts ?? []
  const group = groups.get(body)
  if (group || known.has(body)) {
    // Of a host and a group with one name Ansible chooses the host; but whoever excludes the name means both.
    if (known.has(body) && (sign === '' || !group)) return [body]
    return [...(group?.hosts ?? []), ...(known.has(body) ? [body] : [])]
  }
  const test = matcher(body, malformed)
  if (!test) return null
  // `all` and `ungrouped` are no group's real name: `a*` must not become the whole fleet.
  const alike = [...groups].filter(([name]) => name !== 'all' && name !== 'ungrouped' && test.test(name))
  const hosts = new Set([
    ...alike.flatMap(([, { hosts: members }]) => members),
    ...[...known].filter(name => test.test(name)),
  ])
  return alike.length === 0 && hosts.size === 0 ? null : [...hosts]
}

function matcher(body: string, malformed: Malformed): RegExp | null {
  const isRegex = body.startsWith('~')
  if (!isRegex && !/[*?[]/.test(body)) return null
  try {
    if (!isRegex) return globToRegExp(body)
    // Python anchors a match at the start only, and writes `(?i)` for a pattern that ignores case.
    const [, flag, source = ''] = /^~(\(\?i\))?(.*)$/s.exec(body) ?? []
    return new RegExp(`^(?:${fromPython(source)})`, flag ? 'i' : '')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // Without the expression, which the message has once more.
    const why = plain(error.message.replace(/^Invalid regular expression: .*: /s, ''))
    throw malformed(`expected a pattern, got ${describe(body)}: ${why}`)
  }
}

function nothingCalled({ body, written }: Part, { names, groups }: Names): NoMatchError {
  const near = nearest(body, [...groups.keys(), ...names])
  const rest = near === undefined ? '' : `; did you mean ${plain(near)}?`
  return new NoMatchError(`no host or group matches ${describe(written)}${rest}`)
}
