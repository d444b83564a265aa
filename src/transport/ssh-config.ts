/**
 * ssh_config as ssh reads it: the first value of a keyword counts. Worked out here where the files hold nothing but Host
 * and Include, for a process of ssh a host costs more than logging in does; whatever else decides is left to `ssh -G`.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError, codeOf, type Place } from '../errors.ts'
import { underHome } from '../inventory/home.ts'
import { matchesAny } from './known-hosts-line.ts'
import { isKnownKeyword, keywordOf } from './ssh-keywords.ts'
import { isOdd, splitWords } from './ssh-words.ts'

/** Keyword in lower case → its arguments; of `identityfile` and `certificatefile` those of every line. */
export type Settings = ReadonlyMap<string, readonly string[]>

interface Line {
  readonly keyword: string
  readonly args: readonly string[]
  readonly place: Place
  readonly isOdd: boolean
}

/** A config file and the directory its relative includes start from. */
export interface ConfigFile {
  readonly file: string
  readonly includesFrom: string
  /** Named by somebody: that it is not there is an error. */
  readonly isNamed?: boolean
}

/** Decides what this reader does not work out; only ssh itself can say. */
export class NeedsSsh extends Error {
  override readonly name = 'NeedsSsh' as const
  readonly place: Place
  constructor(what: string, place: Place) {
    super(what)
    this.place = place
  }
}

/** ssh's own files, or the one of `-F`. */
export function configFiles(chosen: string | null): readonly ConfigFile[] {
  const own = join(homedir(), '.ssh')
  if (chosen?.toLowerCase() === 'none') return []
  if (chosen !== null) return [{ file: chosen, includesFrom: own, isNamed: true }]
  return [
    { file: join(own, 'config'), includesFrom: own },
    { file: '/etc/ssh/ssh_config', includesFrom: '/etc/ssh' },
  ]
}

const ADDING_UP = new Set(['identityfile', 'certificatefile'])
/** The whole rest of the line is one value. */
const WHOLE = new Set(['proxycommand', 'localcommand', 'remotecommand', 'knownhostscommand'])
const RIVALS: Readonly<Record<string, string>> = { proxyjump: 'proxycommand', proxycommand: 'proxyjump' }

/** Reads config files for many hosts; each file is read once. */
export class SshConfig {
  readonly #lines = new Map<string, readonly Line[]>()
  readonly #places = new WeakMap<readonly string[], Place>()

  /** What the files say of the host `name`, `given` before everything. Throws NeedsSsh, or ConfigError. */
  settingsFor(
    name: string,
    given: readonly (readonly [string, string])[],
    files: readonly ConfigFile[],
  ): Map<string, readonly string[]> {
    const settings = new Map<string, readonly string[]>()
    for (const [keyword, value] of given) {
      keep(settings, { keyword: keywordOf(keyword), args: argsOf(keyword, value) ?? [value] })
    }
    for (const file of files) this.#apply(file, name, settings, 0)
    return settings
  }

  /** The line a value of `settingsFor` comes from; undefined where it was given, or ssh itself was asked. */
  placeOf(settings: Settings, keyword: string): Place | undefined {
    const args = settings.get(keyword)
    return args && this.#places.get(args)
  }

  #apply(
    { file, includesFrom, isNamed = false }: ConfigFile,
    name: string,
    settings: Map<string, readonly string[]>,
    depth: number,
  ) {
    if (depth > 16) throw new ConfigError('includes go round in a circle', { place: { file } })
    let active = true
    for (const line of this.#linesOf(file, isNamed)) {
      const { keyword, args, place, isOdd } = line
      // Wherever it stands, ssh goes nowhere with such a file; it has the words for it.
      if (isOdd) throw new NeedsSsh(`the line of ${keyword}`, place)
      if (keyword === 'host') active = matchesAny(name, args)
      else if (keyword === 'match') active = isAll(args, place)
      else if (!isKnownKeyword(keyword)) refuseUnlessIgnored(settings, line)
      else if (!active) continue
      else if (keyword === 'include') {
        for (const found of args.flatMap(arg => included(arg, includesFrom, place))) {
          this.#apply({ file: found, includesFrom }, name, settings, depth + 1)
        }
      } else if (keyword === 'canonicalizehostname' && args[0] !== 'no')
        throw new NeedsSsh('CanonicalizeHostname', place)
      else keep(settings, line)
    }
  }

  #linesOf(file: string, isNamed: boolean): readonly Line[] {
    const lines = this.#lines.get(file) ?? parseConfig(readConfig(file, isNamed), file)
    this.#lines.set(file, lines)
    for (const { args, place } of lines) this.#places.set(args, place)
    return lines
  }
}

function keep(settings: Map<string, readonly string[]>, { keyword, args }: Pick<Line, 'keyword' | 'args'>): void {
  const before = settings.get(keyword)
  if (before && ADDING_UP.has(keyword)) settings.set(keyword, [...before, ...args])
  else if (!before && !isKeptOut(settings, keyword)) settings.set(keyword, args)
}

/** By its rival, if that came first. A ProxyJump of `none` leaves room for a ProxyCommand, and not the other way round. */
function isKeptOut(settings: Settings, keyword: string): boolean {
  const rival = RIVALS[keyword]
  if (rival === undefined || !settings.has(rival)) return false
  return rival === 'proxycommand' || firstOf(settings, rival) !== null
}

/** Wherever it stands; only a newer ssh may know it. */
function refuseUnlessIgnored(settings: Settings, { keyword, place }: Line): void {
  const ignored = firstOf(settings, 'ignoreunknown')?.toLowerCase().split(',') ?? []
  if (!matchesAny(keyword, ignored)) throw new NeedsSsh(`the keyword ${keyword}`, place)
}

function isAll(args: readonly string[], place: Place): boolean {
  if (args.length === 1 && args[0]?.toLowerCase() === 'all') return true
  throw new NeedsSsh('Match', place)
}

function readConfig(file: string, isNamed: boolean): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(String(codeOf(error)))
    if (isAbsent && !isNamed) return ''
    throw new ConfigError(isAbsent ? 'there is no such ssh configuration' : 'cannot read the ssh configuration', {
      place: { file },
      cause: error,
    })
  }
}

/** The lines that say something. */
export function parseConfig(text: string, file: string): readonly Line[] {
  return text.split('\n').flatMap((raw, at) => {
    const place = { file, line: at + 1 }
    const [, word, rest = ''] = /^\s*"?(\w+)"?(?:\s*=\s*|\s+|$)(.*)$/s.exec(raw.trimEnd()) ?? []
    if (word === undefined) {
      if (raw.trim() === '' || raw.trim().startsWith('#')) return []
      throw new ConfigError(`expected a keyword of ssh_config, got ${raw.trim().slice(0, 40)}`, { place })
    }
    const keyword = keywordOf(word)
    const args = argsOf(keyword, rest)
    return [{ keyword, args: args ?? [], place, isOdd: args === null || isOdd(keyword, args) }]
  })
}

function argsOf(keyword: string, rest: string): string[] | null {
  if (WHOLE.has(keyword)) return [rest.trim()]
  return splitWords(rest)
}

/** Files of one Include; a pattern in the last part of the path is the one kind looked up here. */
function included(arg: string, from: string, place: Place): string[] {
  if (/[%$]/.test(arg)) throw new NeedsSsh('Include with a variable', place)
  const path = resolve(from, underHome(arg))
  const pattern = basename(path)
  if (/[*?[]/.test(dirname(path)) || pattern.includes('[')) throw new NeedsSsh('Include with a pattern', place)
  if (!/[*?]/.test(pattern)) return [path]
  let names: string[] = []
  try {
    names = readdirSync(dirname(path)).toSorted()
  } catch {
    // As ssh: an Include that finds nothing includes nothing.
  }
  return names
    .filter(name => !name.startsWith('.') && matchesAny(name, [pattern]))
    .map(name => join(dirname(path), name))
}

/** The first value; null when it is not set, or set to `none`. */
export function firstOf(settings: Settings, keyword: string): string | null {
  const value = settings.get(keyword)?.[0]
  return value === undefined || value === '' || value.toLowerCase() === 'none' ? null : value
}

/** Of what is either. */
export function isYes(settings: Settings, keyword: string): boolean {
  return /^(yes|true)$/i.test(settings.get(keyword)?.[0] ?? '')
}

/** Switched off; `ssh -G` says it in other words for some. */
export function isNo(settings: Settings, keyword: string): boolean {
  return /^(no|false)$/i.test(settings.get(keyword)?.[0] ?? '')
}

/** A count, or a time in seconds as sshd_config(5) writes it, `1m30s`; zero and `none` say nothing. */
export function positive(settings: Settings, keyword: string, factor: number): number | null {
  const text = firstOf(settings, keyword)?.toLowerCase() ?? ''
  if (!/^(\d+[smhdw]?)+$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+)([smhdw]?)/g)]
  const value = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 1), 0)
  return value > 0 ? value * factor : null
}

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 }
