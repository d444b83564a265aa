/** Who is worst off goes first. */

/** Fullest table first; who has none, or of whom it is not known, last. Otherwise as they were. */
export function byPressure<T>(items: readonly T[], usageOf: (item: T) => number | null | undefined): readonly T[] {
  return items.toSorted((a, b) => (usageOf(b) ?? -1) - (usageOf(a) ?? -1))
}
