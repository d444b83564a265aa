/** What is known of one host by now. Plain data: a reading or a change of the connection makes the next state of it. */
import type { Lately } from '../run/outside/probed.ts'
import type { Reading } from './reading.ts'

/** Of hosts that are not live only `lost` ones are tried again; the others keep the name of the status they end with. */
export const LINKS = ['connecting', 'live', 'lost', 'unreachable', 'failed', 'skipped', 'excluded'] as const
export type Link = (typeof LINKS)[number]

export interface Watched {
  readonly host: string
  readonly link: Link
  /** Why it is lost or failed. */
  readonly error: string | null
  /** The newest last; by those of the last seconds rates are reckoned. */
  readonly recent: readonly Reading[]
  /** When the newest came, on our clock. */
  readonly atMs: number | null
  /** Entries, reading by reading. */
  readonly trend: readonly number[]
  /** Lost since the watch began, by the counters; null: not to be seen. */
  readonly lost: { readonly drops: number; readonly earlyDrops: number } | null
  /** Table-full lines since the watch began; null: the log cannot be read. */
  readonly lines: number | null
  /** Seconds since boot of the newest table-full line. */
  readonly newestLine: number
  /** As seen from here, a figure for each target; none where nobody asked for it. */
  readonly probes: readonly Lately[]
}

export type WatchEvent =
  | { readonly type: 'reading'; readonly host: string; readonly reading: Reading; readonly atMs: number }
  | { readonly type: 'link'; readonly host: string; readonly link: Link; readonly error: string | null }
  | { readonly type: 'probe'; readonly host: string; readonly probes: readonly Lately[] }

/** Rates are of so many seconds: single readings jump. */
const RATE_SECONDS = 10
/** As many as the widest trend shows, and some. */
const TREND = 60

/** A host nobody has heard of yet. */
export function unseen(host: string): Watched {
  return {
    ...{ host, link: 'connecting', error: null, recent: [], atMs: null, trend: [] },
    ...{ lost: null, lines: null, newestLine: 0, probes: [] },
  }
}

/** The state after this event. */
export function advance(watched: Watched, event: WatchEvent): Watched {
  if (event.type === 'link') return { ...watched, link: event.link, error: event.error }
  if (event.type === 'probe') return { ...watched, probes: event.probes }
  const { reading, atMs } = event
  const last = watched.recent.at(-1)
  const { count } = reading
  return {
    ...watched,
    ...{ link: 'live', error: null, atMs },
    recent: isAnew(last, reading) ? [reading] : within([...watched.recent, reading]),
    trend: count === null ? watched.trend : [...watched.trend, count].slice(-TREND),
    lost: lostWith(watched.lost, last, reading),
    ...linesWith(watched, reading),
  }
}

/** Booted, or another table: nothing before it can be compared with. */
function isAnew(last: Reading | undefined, now: Reading): boolean {
  return last === undefined || now.uptimeSeconds < last.uptimeSeconds || now.family !== last.family
}

function within(readings: readonly Reading[]): readonly Reading[] {
  const newest = readings.at(-1)?.uptimeSeconds ?? 0
  const first = readings.findIndex(({ uptimeSeconds }) => newest - uptimeSeconds <= RATE_SECONDS)
  // Where they come more seldom, the last two say it.
  return readings.slice(Math.max(0, Math.min(first, readings.length - 2)))
}

/** A counter that fell was begun anew: all of it is of since then. */
export function risen(before: number, now: number): number {
  return now >= before ? now - before : now
}

function lostWith(lost: Watched['lost'], last: Reading | undefined, now: Reading): Watched['lost'] {
  if (now.drops === null || now.earlyDrops === null) return lost
  const since = lost ?? { drops: 0, earlyDrops: 0 }
  if (last === undefined || last.drops === null || last.earlyDrops === null) return since
  return {
    drops: since.drops + risen(last.drops, now.drops),
    earlyDrops: since.earlyDrops + risen(last.earlyDrops, now.earlyDrops),
  }
}

/** Those that the first look meets are of before. */
function linesWith({ lines, newestLine }: Watched, { log }: Reading): Pick<Watched, 'lines' | 'newestLine'> {
  if (log === null) return { lines, newestLine }
  return { lines: lines === null ? 0 : lines + log.fresh, newestLine: log.newest }
}
