/** Would a plan that was put by still do what it showed, and nothing else? */
import type { Change } from '../change/change.ts'
import { canonical } from '../lang/canonical.ts'
import type { Plan } from './plan.ts'

/** More of them tell a reader nothing new. */
const MOST_NAMED = 3

/**
 * Why what was shown may not be done any more; null where it may. `fresh` is what the same settled options come to by now.
 * Every change has to be the same to the byte, but for its reason, and for live entries, which come and go: there the words
 * that choose them count. Nor may anything be gone past by force that nobody was shown.
 */
export function whyStale(shown: Plan, fresh: Plan): string | null {
  const [blocker] = fresh.blockers
  if (blocker) return `by now it is blocked: ${blocker.code}: ${blocker.message}`
  const risk = fresh.forced.find(({ code, message }) =>
    shown.forced.every(known => known.code !== code || known.message !== message),
  )
  if (risk) return `by now --force would go past more than was shown: ${risk.code}: ${risk.message}`
  const then = acts(shown)
  const now = acts(fresh)
  const differences = [...new Set([...then.keys(), ...now.keys()])].flatMap(key =>
    difference(then.get(key), now.get(key)),
  )
  if (differences.length > 0) return `the host changed since the plan was made: ${listed(differences)}`
  const inOrder = (changes: ReadonlyMap<string, Change>): string => [...changes.keys()].join('\n')
  const kept = new Map([...then].filter(([key]) => now.has(key)))
  return inOrder(kept) === inOrder(now) ? null : 'the same changes would be done in another order by now'
}

/** By kind and target; two changes of one target never are in one plan. */
function acts(plan: Plan): Map<string, Change> {
  return new Map(plan.changes.map(change => [`${change.kind} ${change.target}`, change]))
}

function difference(then: Change | undefined, now: Change | undefined): string[] {
  if (then === undefined) return now ? [`${now.target} would have to be changed, too`] : []
  // Entries that are gone by themselves need nobody to remove them.
  if (now === undefined) return then.kind === 'entries' ? [] : [`${then.target} needs no change any more`]
  if (then.kind === 'entries' && now.kind === 'entries') {
    const words = ({ before }: typeof then): string => canonical(before?.selectors)
    return words(then) === words(now) ? [] : [`${then.target} are others`]
  }
  if (canonical(then.before) !== canonical(now.before)) return [`${then.target} ${moved(then.before, now.before)}`]
  return canonical({ ...then, why: '' }) === canonical({ ...now, why: '' })
    ? []
    : [`${then.target} would come to something else`]
}

function moved(then: unknown, now: unknown): string {
  const word = (state: unknown): string | null => (state === null ? 'absent' : typeof state === 'string' ? state : null)
  const [was, is] = [word(then), word(now)]
  return was === null || is === null ? 'is not what it was' : `was ${was}, is ${is}`
}

function listed(differences: readonly string[]): string {
  const more = differences.length - MOST_NAMED
  return [...differences.slice(0, MOST_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
