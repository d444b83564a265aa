/** What a host shows of itself in one row, and in which order rows stand. */
import type { Family } from '../facts/facts.ts'
import { type Outlook, outlookOf } from './outlook.ts'
import type { Reading } from './reading.ts'
import { type Link, risen, type Watched } from './watched.ts'

export interface Row {
  readonly host: string
  readonly link: Link
  readonly error: string | null
  /** undefined: nobody has seen it. */
  readonly family: Family | null | undefined
  readonly count: number | null
  readonly max: number | null
  /** 0 to 1 and beyond; null: no limit, no table, or not seen. */
  readonly usage: number | null
  /** Entries more in a second; below zero: fewer. */
  readonly rate: number | null
  /** At that rate; 0: it is full. null: not in sight. */
  readonly secondsToFull: number | null
  readonly dropsRate: number | null
  readonly earlyDropsRate: number | null
  readonly insertFailedRate: number | null
  readonly trend: readonly number[]
  readonly lines: number | null
  readonly atMs: number | null
  /** As seen from here; null: nobody asked for it. */
  readonly outlook: Outlook | null
}

/** Works out the row. */
export function rowOf({ host, link, error, recent, trend, lines, atMs, probes }: Watched): Row {
  const last = recent.at(-1)
  const first = recent[0]
  const { count = null, max = null } = last ?? {}
  // 0 means unlimited on older kernels.
  const usage = count === null || max === null || max <= 0 ? null : count / max
  const rate = rateOf(
    first,
    last,
    ({ count: entries }) => entries,
    (before, now) => now - before,
  )
  return {
    ...{ host, link, error, family: last?.family, count, max, usage, rate },
    secondsToFull: usage === null || max === null || count === null ? null : secondsTo(max - count, rate),
    dropsRate: rateOf(first, last, ({ drops }) => drops, risen),
    earlyDropsRate: rateOf(first, last, ({ earlyDrops }) => earlyDrops, risen),
    insertFailedRate: rateOf(first, last, ({ insertFailed }) => insertFailed, risen),
    ...{ trend, lines, atMs, outlook: outlookOf(probes) },
  }
}

function rateOf(
  first: Reading | undefined,
  last: Reading | undefined,
  pick: (reading: Reading) => number | null,
  difference: (before: number, now: number) => number,
): number | null {
  const [before, now] = [first && pick(first), last && pick(last)]
  const seconds = (last?.uptimeSeconds ?? 0) - (first?.uptimeSeconds ?? 0)
  return typeof before !== 'number' || typeof now !== 'number' || seconds <= 0
    ? null
    : difference(before, now) / seconds
}

function secondsTo(room: number, rate: number | null): number | null {
  if (room <= 0) return 0
  return rate === null || rate <= 0 ? null : room / rate
}

export const SORTS = ['pressure', 'rate', 'drops', 'loss', 'name'] as const
export type Sort = (typeof SORTS)[number]

/** Packets lost in a second, to anybody's harm. */
export function losses({ dropsRate, earlyDropsRate }: Row): number {
  return (dropsRate ?? 0) + (earlyDropsRate ?? 0)
}

/** Who loses packets goes before who is only full; whom nobody has seen goes last. */
function pressure(row: Row): number {
  if (row.family === undefined) return -2
  return (row.usage ?? -1) + (losses(row) > 0 ? 10 + Math.log10(1 + losses(row)) : 0)
}

const KEYS: Readonly<Record<Exclude<Sort, 'name'>, (row: Row) => number>> = {
  pressure,
  rate: ({ rate }) => rate ?? Number.NEGATIVE_INFINITY,
  drops: row => (row.family === undefined ? -1 : losses(row)),
  loss: ({ outlook }) => outlook?.harm ?? -1,
}

/** The worst first; equal ones as the inventory has them, so that rows do not change places for nothing. */
export function ordered(rows: readonly Row[], sort: Sort): readonly Row[] {
  if (sort === 'name') return rows.toSorted((a, b) => BY_NAME.compare(a.host, b.host))
  const keyOf = KEYS[sort]
  const keyed = rows.map(row => ({ row, key: keyOf(row) }))
  return keyed.toSorted((a, b) => (a.key === b.key ? 0 : b.key - a.key)).map(({ row }) => row)
}

/** web-2 before web-10. */
const BY_NAME = new Intl.Collator('en', { numeric: true })

/** It was to be seen, and is not. */
export function isLost({ link }: Row): boolean {
  return link === 'lost' || link === 'unreachable' || link === 'failed' || link === 'skipped'
}

/** Many rows in one. */
export interface Sum {
  readonly hosts: number
  readonly lost: number
  /** The fullest. */
  readonly usage: number | null
  readonly drops: number
  readonly earlyDrops: number
  /** Hosts that lose packets. */
  readonly losing: number
  /** Hosts that left tries from here without an answer. */
  readonly unanswered: number
}

/** Sums up. */
export function sumOf(rows: readonly Row[]): Sum {
  const usages = rows.flatMap(({ usage }) => usage ?? [])
  return {
    hosts: rows.length,
    lost: rows.filter(isLost).length,
    usage: usages.length === 0 ? null : usages.reduce((most, usage) => Math.max(most, usage), 0),
    drops: rows.reduce((sum, { dropsRate }) => sum + (dropsRate ?? 0), 0),
    earlyDrops: rows.reduce((sum, { earlyDropsRate }) => sum + (earlyDropsRate ?? 0), 0),
    losing: rows.filter(row => losses(row) > 0).length,
    unanswered: rows.filter(({ outlook }) => (outlook?.figures?.lost ?? 0) > 0).length,
  }
}
