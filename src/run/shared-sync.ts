/** One sync for all that was written while the one before it was under way: a disk does some hundred a second, and no more. */

/** Who asks while a sync is under way waits for the next, for that one may have begun before what they wrote. */
export function sharedSync(sync: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  const begin = (): Promise<void> => {
    next = null
    return sync()
  }
  return () => {
    if (next === null) {
      next = last.then(begin, begin)
      last = next
    }
    return next
  }
}
