/** One line of a known_hosts file, as sshd(8) describes the format. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Place } from '../errors.ts'
import { blobType } from './host-key.ts'
import { nameTest } from './name-hash.ts'

export interface KnownKey {
  readonly marker: 'revoked' | 'cert-authority' | null
  readonly type: string
  readonly blob: Buffer
  readonly place: Place
  /** Names the line is found by without asking `matches`; null when it must be asked (hashed, wildcard, negation). */
  readonly names: readonly string[] | null
  readonly matches: (name: string) => boolean
}

const MARKERS = { '@revoked': 'revoked', '@cert-authority': 'cert-authority' } as const

function markerOf(field: string | undefined): 'revoked' | 'cert-authority' | undefined {
  return field === '@revoked' || field === '@cert-authority' ? MARKERS[field] : undefined
}

/** null = nothing there (blank, comment); 'damaged' = a line that says nothing we understand, as ssh would skip it. */
export function parseLine(text: string, place: Place): KnownKey | 'damaged' | null {
  const fields = text.trim().split(/\s+/)
  if (fields[0] === '' || fields[0]?.startsWith('#')) return null
  const marker = markerOf(fields[0])
  const [names, type, base64] = marker ? fields.slice(1) : fields
  if (names === undefined || type === undefined || base64 === undefined || names.startsWith('@')) return 'damaged'
  const blob = Buffer.from(base64, 'base64')
  if (blobType(blob) !== type) return 'damaged'
  const rest = { marker: marker ?? null, type, blob, place }
  if (!names.startsWith('|')) return { ...rest, ...byPatterns(names.toLowerCase().split(',')) }
  const matches = byHash(names)
  return matches ? { ...rest, names: null, matches } : 'damaged'
}

/** `|1|salt|hash`: the name under HMAC-SHA1, so that the file does not list where one goes. */
function byHash(field: string): ((name: string) => boolean) | null {
  const [, version, salt, hash, more] = field.split('|')
  if (version !== '1' || salt === undefined || hash === undefined || more !== undefined) return null
  const wanted = Buffer.from(hash, 'base64')
  return wanted.length === 20 ? nameTest(Buffer.from(salt, 'base64'), wanted) : null
}

/** A name as HashKnownHosts writes it. */
export function hashedName(name: string): string {
  const salt = randomBytes(20)
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

function byPatterns(patterns: readonly string[]): Pick<KnownKey, 'names' | 'matches'> {
  return {
    names: patterns.every(pattern => !/[*?!]/.test(pattern)) ? patterns : null,
    matches: name => matchesAny(name, patterns),
  }
}

/** Is the name one of these patterns, `!` before a pattern taking it out again whatever the others say? */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return (
    patterns.some(pattern => !pattern.startsWith('!') && wildcard(pattern)(name)) &&
    !patterns.some(pattern => pattern.startsWith('!') && wildcard(pattern.slice(1))(name))
  )
}

/** Only `*` and `?` mean something; brackets are those of `[host]:port`. */
function wildcard(pattern: string): (name: string) => boolean {
  return /[*?]/.test(pattern) ? name => matchesPattern(name, pattern) : name => name === pattern
}

/** Goes back to the last star only: a regular expression takes minutes for a line of many stars. */
function matchesPattern(name: string, pattern: string): boolean {
  let at = 0
  let star = -1
  let retry = 0
  for (let i = 0; i < name.length; ) {
    if (pattern[at] === '*') {
      star = at++
      retry = i
    } else if (pattern[at] === '?' || pattern[at] === name[i]) {
      at += 1
      i += 1
    } else if (star !== -1) {
      at = star + 1
      i = ++retry
    } else return false
  }
  return /^\**$/.test(pattern.slice(at))
}
