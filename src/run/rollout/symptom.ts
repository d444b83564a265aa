/** The fleet's own symptom: packets lost and table-full lines of the hosts that were changed, then and now. */
import type { Facts } from '../../facts/facts.ts'
import { formatCount } from '../../lang/numbers.ts'

/** What one host shows of it. null: it could not be seen. */
export interface Reading {
  readonly host: string
  readonly bootId: string | null
  /** No conntrack, so nothing of it can be lost. */
  readonly absent: boolean
  readonly drops: number | null
  readonly log: Facts['log']
  readonly atSeconds: number
  /** Losses in a second that are borne: there the cure takes its time, and they were lost right after it, too. */
  readonly bears: Readonly<Record<'drops' | 'lines', number>>
}

/** Counters that rise when the table refuses or throws out entries; their sum alone is compared. */
const LOSSES = ['drop', 'early_drop', 'chainlength'] as const

/** What comes back at once must be gone at once; what takes its time must not become more. */
export type Relief = 'at-once' | 'later'

/** Reads it off the facts of one look. */
export function readingOf(host: string, facts: Facts, relief: Relief = 'at-once'): Reading {
  return {
    host,
    bootId: facts.bootId,
    absent: facts.family === null,
    drops: lossesIn(facts.stats),
    log: facts.log,
    atSeconds: facts.uptimeSeconds,
    bears: relief === 'later' ? borne(facts) : { drops: 0, lines: 0 },
  }
}

function lossesIn(stats: Facts['stats']): number | null {
  const shown = stats === null ? [] : LOSSES.flatMap(name => stats.counters[name] ?? [])
  return shown.length === 0 ? null : shown.reduce((sum, n) => sum + n, 0)
}

/** Traffic is never quite the same. */
const LEEWAY = 1.25

/** By what the window right after the change has shown. */
function borne({ earlier, stats, log }: Facts): Reading['bears'] {
  if (earlier === null || earlier.secondsBefore <= 0) return { drops: 0, lines: 0 }
  const rate = (before: number | null, now: number | null): number =>
    (Math.max(0, (now ?? 0) - (before ?? now ?? 0)) / earlier.secondsBefore) * LEEWAY
  return {
    drops: rate(lossesIn(earlier.stats), lossesIn(stats)),
    lines: rate(earlier.log?.lines ?? null, log?.lines ?? null),
  }
}

export interface Symptom {
  /** Did not rise, and that was seen. */
  readonly still: boolean
  readonly detail: string
}

/**
 * Compares hosts as they were left (`before`) with how they are (`now`; null: could not be looked at). Who cannot be
 * seen has not stood still.
 */
export function compareSymptom(pairs: readonly (readonly [before: Reading, now: Reading | null])[]): Symptom {
  const rises = pairs.map(([before, now]) => riseOn(before, now))
  const unseen = rises.filter(rise => rise.unseen)
  const worse = rises.filter(({ drops, lines }) => drops + lines > 0).toSorted((a, b) => b.drops - a.drops)
  const sum = (of: 'drops' | 'lines'): number => rises.reduce((total, rise) => total + rise[of], 0)
  if (worse.length > 0) {
    const where = named(worse.map(({ host, drops, lines }) => `${host} (${amounts(drops, lines)})`))
    return { still: false, detail: `${amounts(sum('drops'), sum('lines'))} since the change, on ${where}` }
  }
  if (unseen.length > 0) {
    return { still: false, detail: `cannot be seen on ${named(unseen.map(({ host }) => host))}` }
  }
  const hosts = pairs.length === 1 ? 'host' : 'hosts'
  const what = pairs.some(([{ bears }]) => bears.drops + bears.lines > 0)
    ? 'no more drops than right after the change'
    : 'no drop and no table-full line'
  return { still: true, detail: `${what} on ${pairs.length} changed ${hosts}` }
}

interface Rise {
  readonly host: string
  readonly drops: number
  readonly lines: number
  readonly unseen: boolean
}

function riseOn(before: Reading, now: Reading | null): Rise {
  const { host } = before
  if (now === null) return { host, drops: 0, lines: 0, unseen: true }
  if (now.absent) return { host, drops: 0, lines: 0, unseen: false }
  // Counters begin anew with a boot, and where the module was taken out and came back.
  const anew = now.bootId !== before.bootId || before.absent
  const drops = anew ? now.drops : lossesSince(before.drops, now.drops)
  const lines = anew ? (now.log?.lines ?? null) : linesSince(before.log, now.log)
  const seconds = anew ? now.atSeconds : now.atSeconds - before.atSeconds
  const beyond = (rise: number | null, rate: number): number => (rise === null || rise <= rate * seconds ? 0 : rise)
  return {
    host,
    drops: beyond(drops, before.bears.drops),
    lines: beyond(lines, before.bears.lines),
    unseen: drops === null && lines === null,
  }
}

/** A counter that fell was begun anew: all of it is of since then. */
function lossesSince(before: number | null, now: number | null): number | null {
  if (before === null || now === null) return null
  return now >= before ? now - before : now
}

/** A log forgets its oldest lines: then the newest one tells. */
function linesSince(before: Facts['log'], now: Facts['log']): number | null {
  if (before === null || now === null) return null
  if (now.lines > before.lines) return now.lines - before.lines
  if ((now.lastAtSeconds ?? 0) > (before.lastAtSeconds ?? 0)) return 1
  return now.lines === before.lines || now.lastAtSeconds !== null ? 0 : null
}

function amounts(drops: number, lines: number): string {
  const parts = [
    drops > 0 ? `drops +${formatCount(drops)}` : '',
    lines > 0 ? `table-full lines +${formatCount(lines)}` : '',
  ]
  return parts.filter(part => part !== '').join(', ')
}

/** The first few, and how many more. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
