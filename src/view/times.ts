/** Moments of a record, in UTC whoever reads it where. */
import { formatDuration } from '../lang/duration.ts'

/** Milliseconds; null: not recorded, or no time. */
export function momentOf(at: string | null): number | null {
  const moment = at === null ? Number.NaN : Date.parse(at)
  return Number.isNaN(moment) ? null : moment
}

/** `2026-11-22 00:13:49 UTC` */
export function dayText(at: string | null): string {
  const moment = momentOf(at)
  return moment === null ? (at ?? 'not recorded') : `${iso(moment).slice(0, 10)} ${clock(moment)} UTC`
}

/** `00:13:49` */
export function clockText(at: string | null): string {
  const moment = momentOf(at)
  return moment === null ? '?' : clock(moment)
}

/** `1m12s`; under a second in tenths. */
export function tookText(from: number | null, to: number | null): string {
  if (from === null || to === null || to < from) return '?'
  const seconds = (to - from) / 1000
  return seconds < 10 ? `${seconds.toFixed(1)}s` : formatDuration(Math.round(seconds))
}

const iso = (moment: number): string => new Date(moment).toISOString()
const clock = (moment: number): string => iso(moment).slice(11, 19)
