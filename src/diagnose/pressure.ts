/** How hard the table is pressed, in numbers that several rules need. */
import type { Facts } from '../facts/facts.ts'
import { formatDuration } from '../lang/duration.ts'
import { formatCount, formatShare } from '../lang/numbers.ts'
import { PRESSURE } from '../strategy/sizing.ts'

/** Entries a second by which the count grew while it was watched; null: nobody watched, or nobody could. */
export function growthOf({ earlier, count }: Facts): number | null {
  if (earlier === null || earlier.count === undefined || count === null || earlier.secondsBefore <= 0) return null
  return (count - earlier.count) / earlier.secondsBefore
}

/** Entries that come and go make the count waver by about the root of it: thrice that is no chance any more. */
const BEYOND_CHANCE = 3

/** The count grew by more than chance while it was watched. */
export function isGrowing(facts: Facts): boolean {
  const { count, earlier } = facts
  const grown = (growthOf(facts) ?? 0) * (earlier?.secondsBefore ?? 0)
  return grown > BEYOND_CHANCE * Math.sqrt(Math.max(count ?? 0, 1))
}

/** Seconds until the table is full at that rate; null: it does not grow, or there is no limit. */
export function secondsToFull(facts: Facts): number | null {
  const growth = growthOf(facts)
  const { count, max } = facts
  if (growth === null || growth <= 0 || count === null || !max) return null
  return Math.max(0, max - count) / growth
}

/** There is a table, and nobody could read how full it is. */
export function isBlind({ family, count, max }: Facts): boolean {
  return family !== null && (count === null || max === null)
}

/** Since the counters began. */
export function total({ stats }: Facts, counter: string): number {
  return stats?.counters[counter] ?? 0
}

/** Over the window that was watched; 0 where none was. */
export function rise(facts: Facts, counter: string): number {
  const before = facts.earlier?.stats?.counters[counter]
  return before === undefined ? 0 : Math.max(0, total(facts, counter) - before)
}

/**
 * Packets that found no room. Two packets of one request that race are dropped, too, and count as both; that is another
 * matter (insert-failed.ts).
 */
export function refused(count: (counter: string) => number): number {
  return Math.max(0, count('drop') - Math.max(0, count('insert_failed') - count('chainlength')))
}

/** Fewer of what was counted since boot, for each day of it, are a burst that nobody noticed. */
const LEAST_A_DAY = 100

/** The counters have no age: what is much over all the time was much lately, or will be again. */
export function isOften({ uptimeSeconds }: Facts, n: number): boolean {
  return n / Math.max(1, uptimeSeconds / 86_400) >= LEAST_A_DAY
}

/** Packets that were dropped since boot and that no line of the log tells of: it was overwritten, or cannot be read. */
export function droppedUnsaid(facts: Facts): number {
  const dropped = refused(counter => total(facts, counter))
  return linesAreOurs(facts) || dropped < LEAST_A_DAY ? 0 : dropped
}

/** Lines of the log that came while it was watched. */
export function newLines({ earlier, log }: Facts): number {
  if (!earlier?.log || log === null) return 0
  return Math.max(0, log.lines - earlier.log.lines)
}

/** What is longer ago than a day is no alarm. */
const LATELY_SECONDS = 86_400

/** Seconds since a line was logged; null: it has no time, or one of another boot. */
export function agoOf({ uptimeSeconds }: Facts, atSeconds: number | null | undefined): number | null {
  // The two clocks differ by what the machine slept, and a file keeps the lines of earlier boots.
  if (atSeconds === null || atSeconds === undefined || atSeconds > uptimeSeconds + 60) return null
  return Math.max(0, uptimeSeconds - atSeconds)
}

/** A line without a time may be of this moment. */
export function isLately(ago: number | null): boolean {
  return ago === null || ago < LATELY_SECONDS
}

/**
 * Full at this moment: no room is left; or packets are dropped with little room, or the log says why. A full table has some
 * room whenever connections end, or somebody reads it.
 */
export function isFull(facts: Facts): boolean {
  const { usage } = facts
  if (usage === null) return false
  const drops = rise(facts, 'drop') > 0
  // Where every newcomer throws out another one, nothing is dropped or logged, and it is another matter (early-drop.ts).
  if (usage >= 1 && !drops) return rise(facts, 'early_drop') === 0
  const lines = newLines(facts) > 0
  // Where the kernel shows no counters there is nothing but the lines, and who knows whose they are.
  const isPressed = usage >= PRESSURE && (refused(counter => rise(facts, counter)) > 0 || (lines && !facts.stats))
  return usage >= 1 || isPressed || (lines && drops)
}

/**
 * The lines of the log are of this table. Counters are each namespace's own, and kernels before 2025 log the overflow of
 * any of them in the same words.
 */
export function linesAreOurs(facts: Facts): boolean {
  if (facts.log === null || facts.log.lines === 0) return false
  return facts.stats === null || total(facts, 'drop') > 0 || total(facts, 'early_drop') > 0
}

/** Somebody should do something about this table: there is loss, or little room. */
export function isStrained(facts: Facts): boolean {
  const lost =
    refused(counter => rise(facts, counter)) > 0 ||
    ['early_drop', 'chainlength'].some(counter => rise(facts, counter) > 0)
  return (facts.usage ?? 0) >= PRESSURE || lost
}

/** `600 of 600 entries (100.0 %)`, and how fast it grows where that was watched. */
export function fillText(facts: Facts): string {
  const { count, max, usage } = facts
  if (count === null || max === null) return 'count and limit could not be read'
  const filled = usage === null ? ' (no limit)' : ` (${formatShare(usage)})`
  const seconds = secondsToFull(facts)
  const growth = growthOf(facts)
  const rate =
    growth === null || Math.abs(growth) < 0.05 ? '' : `, ${growth < 0 ? '' : '+'}${growth.toFixed(1)} a second`
  const full = seconds === null || seconds === 0 ? '' : `, full in ${formatDuration(Math.ceil(seconds))} at that rate`
  return `${formatCount(count)} of ${formatCount(max)} entries${filled}${rate}${full}`
}

/** `drop +120 in 10 s`, for counters that rose. */
export function riseTexts(facts: Facts, ...counters: readonly string[]): string[] {
  return counters.flatMap(counter => {
    const n = rise(facts, counter)
    return n === 0 ? [] : [`counter ${counter}: +${formatCount(n)} in ${facts.earlier?.secondsBefore} s`]
  })
}
