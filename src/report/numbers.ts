/** Numbers of a record as people read them. What was not recorded is said to be so, never shown as nothing. */
import { formatCount, formatShare } from '../lang/numbers.ts'
import type { Numbers } from '../run/numbers.ts'

export const ABSENT = '—'

/** Of a table without a limit there is none. */
export function usageOf(numbers: Numbers | null): number | null {
  if (numbers === null || numbers.count === null || !numbers.max) return null
  return numbers.count / numbers.max
}

/** `947 / 4,096` */
export function fillText(numbers: Numbers | null): string {
  if (numbers === null) return ABSENT
  if (!numbers.tracks) return 'no conntrack'
  const { count, max } = numbers
  return `${count === null ? '?' : formatCount(count)} / ${max === null ? '?' : max === 0 ? 'unlimited' : formatCount(max)}`
}

/** `23.1 %` */
export function usageText(numbers: Numbers | null): string {
  const usage = usageOf(numbers)
  return usage === null ? ABSENT : formatShare(usage)
}

export function countText(value: number | null | undefined): string {
  return value === null || value === undefined ? ABSENT : formatCount(value)
}

/** All that was refused or thrown out, since boot. */
export function lostOf(numbers: Numbers | null): number | null {
  return sum(numbers?.lost ?? null)
}

/** The same while it was watched. */
export function lostInWindow(numbers: Numbers | null): number | null {
  return sum(numbers?.window?.lost ?? null)
}

function sum(counters: Readonly<Record<string, number>> | null): number | null {
  return counters && Object.values(counters).reduce((all, value) => all + value, 0)
}

/** `drop 3, early_drop 1`; only what is not 0. */
export function lostParts(counters: Readonly<Record<string, number>> | null | undefined): string {
  const parts = Object.entries(counters ?? {}).filter(([, value]) => value > 0)
  return parts.map(([name, value]) => `${name} ${formatCount(value)}`).join(', ')
}
