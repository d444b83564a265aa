/**
 * Expressions of `nft -j` → the rule as nft prints it. Only what all versions print alike: what is not is no text at all,
 * because a rule is found on its host by its text.
 */
import { isRecord } from '../lang/record.ts'

/** The rule with its comment; null where nobody here knows how it is printed. */
export function nftText(expressions: readonly unknown[], comment?: unknown): string | null {
  const words = expressions.map(expression => {
    const [name = '', body] = isRecord(expression) ? (Object.entries(expression)[0] ?? []) : []
    return statement(name, body)
  })
  const said = typeof comment === 'string' ? [withWord('comment', inQuotes(comment))] : []
  const all = [...words, ...said]
  return all.includes(null) ? null : all.join(' ')
}

/** nft has no way to write these between quotes: they would end the word, and what follows would be run. */
function inQuotes(text: unknown): string | null {
  return typeof text === 'string' && !/["\\\p{Cc}]/u.test(text) ? `"${text}"` : null
}

/** A name, a number, an address, a set: one word, and nothing but that. */
function bare(text: unknown): string | null {
  if (typeof text === 'number') return String(text)
  return typeof text === 'string' && /^@?[\w:.][\w:./*+-]*$/.test(text) ? text : null
}

function withWord(before: string, word: string | null): string | null {
  return word === null ? null : `${before} ${word}`
}

const PLAIN = new Set(['accept', 'drop', 'return', 'continue', 'notrack', 'masquerade', 'redirect', 'reject', 'log'])

function statement(name: string, body: unknown): string | null {
  if (PLAIN.has(name) && body === null) return name
  switch (name) {
    case 'match':
      return isRecord(body) ? match(body) : null
    case 'vmap':
      return isRecord(body) ? verdictMap(body) : null
    case 'counter':
      // A string is the name of one that others count with, too.
      return typeof body === 'string' ? null : 'counter'
    case 'jump':
    case 'goto':
      return isRecord(body) ? withWord(name, bare(body.target)) : null
    case 'snat':
    case 'dnat':
    case 'redirect':
      return isRecord(body) ? translation(name, body) : null
    case 'log':
      return isRecord(body) && hasOnly(body, ['prefix']) ? withWord('log prefix', inQuotes(body.prefix)) : null
    case 'flow':
      return isRecord(body) && body.op === 'add' ? withWord('flow add', bare(body.flowtable)) : null
    case 'ct helper':
      return withWord('ct helper set', inQuotes(body))
    case 'ct count':
      return isRecord(body) ? withWord(`ct count${body.inv === true ? ' over' : ''}`, bare(body.val)) : null
    default:
      return null
  }
}

const hasOnly = (body: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean =>
  Object.keys(body).every(key => keys.includes(key))

function match({ op, left, right }: Readonly<Record<string, unknown>>): string | null {
  if (op !== '==' && op !== 'in' && op !== '!=') return null
  const [field, quoted] = leftSide(left)
  const value = rightSide(right, quoted)
  return field === null || value === null ? null : `${field} ${op === '!=' ? '!= ' : ''}${value}`
}

/** And whether its values stand in quotes. */
function leftSide(left: unknown): [string | null, boolean] {
  if (!isRecord(left)) return [null, false]
  const { ct, meta, payload } = left
  // Marks are numbers here and hexadecimal there.
  if (isRecord(ct) && hasOnly(ct, ['key']) && ['state', 'status', 'direction'].includes(String(ct.key)))
    return [`ct ${String(ct.key)}`, false]
  if (isRecord(meta) && /^[io]if(name)?$/.test(String(meta.key))) return [String(meta.key), true]
  if (isRecord(meta) && ['l4proto', 'nfproto'].includes(String(meta.key))) return [`meta ${String(meta.key)}`, false]
  if (isRecord(payload) && hasOnly(payload, ['protocol', 'field']) && PRINTED.test(fieldOf(payload)))
    return [fieldOf(payload), false]
  return [null, false]
}

const fieldOf = ({ protocol, field }: Readonly<Record<string, unknown>>): string =>
  `${String(protocol)} ${String(field)}`
/** Fields whose values are the same words in both. */
const PRINTED = /^((tcp|udp|sctp|dccp|th) [sd]port|ip6? [sd]addr|ip protocol|ip6 nexthdr|icmp(v6)? type)$/

function rightSide(value: unknown, quoted: boolean): string | null {
  if (typeof value === 'number') return quoted ? null : String(value)
  // A card that is gone is printed by its number, without quotes; here it looks like the name of one.
  if (quoted && typeof value === 'string' && /^\d+$/.test(value)) return null
  if (typeof value === 'string') return quoted && !value.startsWith('@') ? inQuotes(value) : bare(value)
  if (Array.isArray(value)) return all(value, quoted)?.join(',') ?? null
  if (!isRecord(value)) return null
  const { prefix, range, set } = value
  if (isRecord(prefix)) {
    const address = bare(prefix.addr)
    return address !== null && typeof prefix.len === 'number' ? `${address}/${prefix.len}` : null
  }
  if (Array.isArray(range)) return all(range, quoted)?.join('-') ?? null
  if (!Array.isArray(set)) return null
  const elements = all(set, quoted)
  return elements && `{ ${elements.join(', ')} }`
}

function all(values: readonly unknown[], quoted: boolean): string[] | null {
  const words = values.map(value => rightSide(value, quoted))
  const known = words.flatMap(word => word ?? [])
  return known.length === words.length ? known : null
}

function verdictMap({ key, data }: Readonly<Record<string, unknown>>): string | null {
  const [field, quoted] = leftSide(key)
  const set = isRecord(data) && Array.isArray(data.set) ? data.set : null
  const entries = set?.map(pair => {
    const [value, verdict] = Array.isArray(pair) ? pair : []
    const [name = '', body] = isRecord(verdict) ? (Object.entries(verdict)[0] ?? []) : []
    const [one, other] = [rightSide(value, quoted), statement(name, body)]
    return one === null || other === null ? null : `${one} : ${other}`
  })
  return field === null || !entries || entries.includes(null) ? null : `${field} vmap { ${entries.join(', ')} }`
}

/** `snat to 192.0.2.1`, `dnat ip to 10.0.0.2:80`, `redirect to :8080`. */
function translation(name: string, body: Readonly<Record<string, unknown>>): string | null {
  const { addr, port, family } = body
  if (!hasOnly(body, ['addr', 'port', 'family'])) return null
  if (addr !== undefined && (typeof addr !== 'string' || bare(addr) === null)) return null
  if (family !== undefined && bare(family) === null) return null
  if (port !== undefined && typeof port !== 'number') return null
  if (addr === undefined && port === undefined) return name
  const to = addr?.includes(':') && port !== undefined ? `[${addr}]` : (addr ?? '')
  return `${name}${typeof family === 'string' ? ` ${family}` : ''} to ${to}${port === undefined ? '' : `:${port}`}`
}
