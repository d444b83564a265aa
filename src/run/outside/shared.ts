/** One place that many hosts stand behind is tried for all of them at once, and not for each. */
import type { Clock } from './clock.ts'
import type { Answer } from './figures.ts'

interface Latest {
  readonly at: number
  readonly answer: Promise<Answer>
}

/** One who wants a place tried. */
export interface Share {
  /** Somebody tried it just now: what comes of that is an answer to this one, too. */
  readonly isFresh: () => boolean
  /** That try, or a new one; never one that this one has heard of already. */
  readonly attempt: () => Promise<Answer>
}

/** `freshMs`: nothing is tried anew that somebody else tried less than so long ago. */
export function shareTries(
  freshMs: number,
  { now }: Pick<Clock, 'now'>,
): (name: string, attempt: () => Promise<Answer>) => Share {
  const latest = new Map<string, Latest>()
  return (name, attempt) => {
    let heard: Latest | null = null
    const fresh = (): Latest | null => {
      const last = latest.get(name)
      return last && last !== heard && now() - last.at < freshMs ? last : null
    }
    return {
      isFresh: () => fresh() !== null,
      attempt() {
        heard = fresh() ?? { at: now(), answer: attempt() }
        latest.set(name, heard)
        return heard.answer
      },
    }
  }
}
