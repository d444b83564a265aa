/** The one judge of whether a run goes on. Asked after every host, of all hosts so far: not of the batch alone. */
import { formatAmount, limitOf } from '../../lang/amount.ts'
import type { Outcome, Status } from '../status.ts'
import type { Limit, Rules } from './rules.ts'

/** How many hosts have come to what, so far. */
export type Tally = Readonly<Partial<Record<Status, number>>>

/** A tally with one more host. */
export function withOutcome(tally: Tally, { status }: Pick<Outcome, 'status'>): Tally {
  return { ...tally, [status]: (tally[status] ?? 0) + 1 }
}

/** Of the run, and of the play that the last host belongs to; `total` is what percentages are of. */
export type Count = Readonly<Record<Limit['of'], { readonly tally: Tally; readonly total: number }>>

/** Tried and not done; what was taken back was tried in vain as well. */
const FAILED: readonly Status[] = ['failed', 'rolled-back', 'rollback-failed']
/** A person has to look first, whatever the budget. */
const NEEDS_PERSON: readonly Status[] = ['unknown', 'rollback-failed']
/** A canary that ends so has not passed. */
const NOT_PASSED: readonly Status[] = ['unreachable', ...FAILED, 'unknown']
const PASSED: readonly Status[] = ['ok', 'changed']

/** Why the run must stop, in words with numbers, or null. */
export function exceeded(count: Count, limits: Pick<Rules, 'maxFailed' | 'maxUnreachable'>): string | null {
  const { run } = count
  for (const status of NEEDS_PERSON) {
    const n = run.tally[status] ?? 0
    if (n > 0) return `${hosts(n)} ${status}: a person has to look first`
  }
  return (
    beyond('failed or rolled back', FAILED, { count, limit: limits.maxFailed, name: 'max_failed' }) ??
    beyond('unreachable', ['unreachable'], { count, limit: limits.maxUnreachable, name: 'max_unreachable' })
  )
}

interface Bound {
  readonly count: Count
  readonly limit: Limit | null
  readonly name: string
}

function beyond(what: string, statuses: readonly Status[], { count, limit, name }: Bound): string | null {
  if (limit === null) return null
  const { tally, total } = count[limit.of]
  const n = statuses.reduce((sum, status) => sum + (tally[status] ?? 0), 0)
  const allowed = limitOf(limit.amount, total)
  if (n <= allowed) return null
  return `${n} of ${hosts(total)} ${what}, at most ${allowed} may be (${name} ${formatAmount(limit.amount)})`
}

/** Why a host of the canary keeps the others from being touched, or null. */
export function canaryFault({ host, status }: Pick<Outcome, 'host' | 'status'>): string | null {
  return NOT_PASSED.includes(status) ? `the canary did not pass: ${host} is ${status}` : null
}

/** The same of a canary as a whole: one of which no host was as wanted in the end shows nothing. */
export function emptyCanary(outcomes: readonly Pick<Outcome, 'host' | 'status'>[]): string | null {
  if (outcomes.some(({ status }) => PASSED.includes(status))) return null
  const [first] = outcomes
  if (!first) return null
  const more = outcomes.length > 1 ? `, and ${outcomes.length - 1} more like it` : ''
  return `the canary shows nothing: ${first.host} is ${first.status}${more}`
}

/**
 * Why nothing may follow a batch in which something went wrong and no host came out well: the next would go the same way.
 * Of what there is a limit for, that says how much of it there may be.
 */
export function lostBatch(
  outcomes: readonly Pick<Outcome, 'host' | 'status'>[],
  { maxFailed, maxUnreachable }: Pick<Rules, 'maxFailed' | 'maxUnreachable'>,
): string | null {
  if (outcomes.some(({ status }) => PASSED.includes(status))) return null
  const limited = [...(maxFailed ? FAILED : []), ...(maxUnreachable ? ['unreachable'] : [])]
  const wrong = outcomes.find(({ status }) => NOT_PASSED.includes(status) && !limited.includes(status))
  return wrong ? `no host of the batch came out well: ${wrong.host} is ${wrong.status}` : null
}

/** `1 host`, `20 hosts` */
export function hosts(n: number): string {
  return `${n} ${n === 1 ? 'host' : 'hosts'}`
}
