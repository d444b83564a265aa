/** A line of watch.sh → numbers. Nothing else gets through: what a host says never reaches a terminal as it is. */
import type { Family } from '../facts/facts.ts'

/** One look at a table. null: not to be seen there. */
export interface Reading {
  /** Of the host's own clock, by which rates are reckoned. */
  readonly uptimeSeconds: number
  /** null: this kernel tracks nothing. */
  readonly family: Family | null
  readonly count: number | null
  readonly max: number | null
  readonly buckets: number | null
  /** Since the module was loaded, over all CPUs. */
  readonly drops: number | null
  readonly earlyDrops: number | null
  readonly insertFailed: number | null
  /** Where the kernel log was looked at. */
  readonly log: { readonly fresh: number; readonly newest: number } | null
}

/** Why a line is no reading. */
export class ReadingError extends Error {
  override readonly name = 'ReadingError' as const
}

const DECIMAL = /^\d{1,15}$/
const SECONDS = /^\d{1,10}(\.\d{1,9})?$/
const HEX = /^[0-9a-fA-F]{1,16}$/
const COLUMNS = ['entries', 'drop', 'early_drop', 'insert_failed']

/** Throws ReadingError. `line` is what follows the nonce. */
export function parseReading(line: string): Reading {
  const said = new Map<string, string>()
  const rows: string[] = []
  for (const word of line.split(' ')) {
    const at = word.indexOf('=')
    const key = word.slice(0, Math.max(0, at))
    if (key === 'row') rows.push(word.slice(at + 1))
    else if (at < 1 || said.has(key)) throw new ReadingError('a word that is none, or that came twice')
    else said.set(key, word.slice(at + 1))
  }
  const sums = sumsOf(said.get('names'), rows)
  return {
    uptimeSeconds: Number(matching(said, 'up', SECONDS) ?? fail('up')),
    family: familyOf(said.get('family')),
    // The number of entries stands in every row, too.
    count: decimal(said, 'count') ?? sums.get('entries') ?? null,
    max: decimal(said, 'max'),
    buckets: decimal(said, 'buckets'),
    drops: sums.get('drop') ?? null,
    earlyDrops: sums.get('early_drop') ?? null,
    insertFailed: sums.get('insert_failed') ?? null,
    log: logOf(said.get('log')),
  }
}

function fail(what: string): never {
  throw new ReadingError(`no number for ${what}`)
}

/** null where the host has none: `-`. */
function matching(said: ReadonlyMap<string, string>, key: string, pattern: RegExp): string | null {
  const text = said.get(key) ?? fail(key)
  if (text === '-') return null
  return pattern.test(text) ? text : fail(key)
}

function decimal(said: ReadonlyMap<string, string>, key: string): number | null {
  const text = matching(said, key, DECIMAL)
  return text === null ? null : Number(text)
}

function familyOf(text: string | undefined): Family | null {
  if (text === '-') return null
  return text === 'nf_conntrack' || text === 'ip_conntrack' ? text : fail('family')
}

/** Columns over all CPUs; the entries are the same in each row. */
function sumsOf(header: string | undefined, rows: readonly string[]): ReadonlyMap<string, number> {
  const names = header?.split(',') ?? []
  if (names.some(name => !COLUMNS.includes(name)) || (names.length === 0 && rows.length > 0)) fail('names')
  const sums = new Map(rows.length === 0 ? [] : names.map(name => [name, 0]))
  rows.forEach((row, cpu) => {
    const cells = row.split(',')
    if (cells.length !== names.length) fail('a row')
    names.forEach((name, i) => {
      const cell = cells[i] ?? ''
      if (!HEX.test(cell)) fail(name)
      if (name !== 'entries' || cpu === 0) sums.set(name, (sums.get(name) ?? 0) + Number.parseInt(cell, 16))
    })
  })
  return sums
}

function logOf(text: string | undefined): Reading['log'] {
  if (text === undefined || text === '-') return null
  const [fresh = '', newest = '', ...rest] = text.split(',')
  if (!DECIMAL.test(fresh) || !SECONDS.test(newest) || rest.length > 0) fail('log')
  return { fresh: Number(fresh), newest: Number(newest) }
}

/** Longest line of a host: a thousand CPUs need a tenth of it. */
const MOST = 262_144

/** Pieces of output → lines behind the nonce; what anybody else prints is passed over. Throws ReadingError. */
export function readingLines(nonce: string, onLine: (line: string) => void): (text: string) => void {
  const mark = `@@${nonce} `
  let rest = ''
  return text => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MOST) throw new ReadingError('a line without an end')
    for (const line of lines) if (line.startsWith(mark)) onLine(line.slice(mark.length))
  }
}
