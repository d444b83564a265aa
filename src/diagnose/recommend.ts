/** Which strategy a host needs, by its findings: the first that its own planner does not decline. */
import type { Facts } from '../facts/facts.ts'
import { formatCount, nextPowerOfTwo } from '../lang/numbers.ts'
import { makePlan, type Plan, type Step } from '../plan/plan.ts'
import { notrack } from '../strategy/notrack/notrack.ts'
import { raise } from '../strategy/raise.ts'
import { timeouts } from '../strategy/timeouts.ts'
import { unkeptTimeouts, unlikeLive, wantedOf } from './boot.ts'
import { censusIn, share } from './census.ts'
import { timeoutsOfZero, usualTimeouts } from './defaults.ts'
import type { Cure, Finding } from './finding.ts'
import { isBlind, isStrained } from './pressure.ts'

/** Plans steps for the host at hand, with what the inventory says of it. */
export type PlanSteps = (steps: readonly Step[], facts: Facts) => Plan

export interface Recommendation {
  /** What it comes to, options settled; empty: nothing is to be done by a strategy. */
  readonly steps: Plan['steps']
  /** One sentence. */
  readonly why: string
  /** Of the strategy recommended, or of the first one where all are declined; null: none was thought of. */
  readonly plan: Plan | null
}

interface Candidate {
  readonly steps: readonly Step[]
  readonly why: string
}

const LEAST_LIMIT = 65_536

/** From here on one port is worth taking out of the table. */
const ONE_PORT = 0.5

const UNKNOWN = 'the table could not be read, so nobody knows whether it needs one'

export const planAnywhere: PlanSteps = (steps, facts) => makePlan('', { steps, force: false }, facts)

/** Chooses. Pure: the planners say themselves whether they would. */
export function recommend(
  facts: Facts,
  findings: readonly Finding[],
  planSteps: PlanSteps = planAnywhere,
): Recommendation {
  const hopeless = findings.find(({ cure }) => cure === 'none-helps')
  if (hopeless) return { steps: [], plan: null, why: `no strategy helps: ${hopeless.remedy}` }
  const candidates = candidatesFor(facts, findings)
  const tried: { why: string; plan: Plan }[] = []
  for (const { steps, why } of candidates.filter(({ steps }) => steps.length > 0 && steps.every(isMeant))) {
    const plan = planSteps(steps, facts)
    const left = plan.changes.length > 0
    if (plan.blockers.length === 0 && left) return { steps: plan.steps, plan, why: `${why}${declined(tried)}` }
    // Nothing to change, and the need is over: it was cured before.
    if (plan.blockers.length === 0 && !isStrained(facts)) {
      return { steps: [], plan, why: `nothing left to change: ${namesOf(plan)} is in force as it would be planned` }
    }
    tried.push({ why, plan })
  }
  const [first] = tried
  if (!first) return { steps: [], plan: null, why: isBlind(facts) ? UNKNOWN : 'no finding calls for a strategy' }
  return {
    steps: [],
    plan: first.plan,
    why: `${namesOf(first.plan)} would be it (${first.why}), but: ${against(first.plan)}`,
  }
}

/** Values of a host may be such as no strategy takes: a limit of 0, or beyond what a number holds. */
function isMeant({ strategy, options }: Step): boolean {
  return strategy.options.safeParse(options).success
}

function against({ blockers }: Plan): string {
  if (blockers.length === 0) return 'it has nothing left to change here'
  const messages = blockers.map(({ message }) => message).join('; ')
  return blockers.every(({ forceable }) => forceable) ? `${messages} (--force goes past it)` : messages
}

const namesOf = ({ steps }: Plan): string => steps.map(({ strategy }) => strategy).join(' and ')

function declined(tried: readonly { readonly plan: Plan }[]): string {
  return tried.length === 0
    ? ''
    : `; declined: ${tried.map(({ plan }) => `${namesOf(plan)} (${plan.blockers[0]?.code ?? 'nothing left to change'})`).join(', ')}`
}

/** In the order of preference: raising is at once and takes nothing away. */
function candidatesFor(facts: Facts, findings: readonly Finding[]): Candidate[] {
  const because = (...cures: readonly Cure[]): string | undefined =>
    findings.find(({ cure }) => cure !== undefined && cures.includes(cure))?.title
  const room = because('room', 'room-elsewhere')
  const idle = because('shorter')
  const kept = because('keep-size', 'keep-timeouts')
  const [limit, zero] = [because('limit'), because('timeouts')]
  const larger: Step = { strategy: raise, options: because('room') === undefined ? elsewhere(facts) : {} }
  const shorter: Step = { strategy: timeouts, options: {} }
  const mended: Step = { strategy: timeouts, options: usualTimeouts(timeoutsOfZero(facts)) }
  return [
    ...(zero && room ? [{ steps: [larger, mended], why: `${room}; ${zero}` }] : []),
    ...(zero ? [{ steps: [mended], why: zero }] : []),
    ...(limit ? [{ steps: [{ strategy: raise, options: limited(facts) }], why: limit }] : []),
    ...(room && idle ? [{ steps: [larger, shorter], why: `${room}; ${idle}` }] : []),
    ...(room ? [{ steps: [larger], why: room }, ...twice(facts, room)] : []),
    ...(idle ? [{ steps: [shorter], why: idle }] : []),
    ...(room ? onePort(facts) : []),
    ...(kept && !room && !idle ? [{ steps: keeping(facts, findings), why: kept }] : []),
  ]
}

/** Room for four times the entries there are, and no less than kernels give by themselves. */
function limited({ count }: Facts): Step['options'] {
  return { max: Math.max(LEAST_LIMIT, nextPowerOfTwo(4 * (count ?? 0))), lower: true }
}

/** Twice the limit that another namespace has reached; its own count is not this table's, so `auto` would not see it. */
function elsewhere({ max }: Facts): Step['options'] {
  return { max: nextPowerOfTwo(2 * (max ?? 1)) }
}

/** Where `auto` keeps within its share of memory, and that is not enough: the planner knows how far one may go. */
function twice({ max }: Facts, room: string): Candidate[] {
  if (!max) return []
  const options = { max: nextPowerOfTwo(2 * max) }
  return [{ steps: [{ strategy: raise, options }], why: `${room}; auto would stay within a smaller share of memory` }]
}

/** A service of this host that has most of the entries, where the table itself cannot grow. Services of others are not its. */
function onePort(facts: Facts): Candidate[] {
  const census = censusIn(facts)
  const most = census?.ports.find(({ served }) => share(census, served ?? 0) >= ONE_PORT)
  if (!census || !most || most.port === null) return []
  if (most.protocol !== 'tcp' && most.protocol !== 'udp') return []
  const why = `${formatCount(most.served ?? 0)} of ${formatCount(census.rows)} entries are ${most.protocol} to port ${most.port}`
  return [{ steps: [{ strategy: notrack, options: { [most.protocol]: most.port } }], why }]
}

/** What is live, or was meant to be, as it is. */
function keeping(facts: Facts, findings: readonly Finding[]): Step[] {
  const kept = unlikeLive(facts)
  const size = kept.find(({ timeout }) => timeout === null)
  const max = (size && wantedOf(size)) ?? facts.max ?? 'auto'
  // More entries a bucket than its planner takes are not worth keeping.
  const isKeepable = facts.buckets !== null && Number(max) <= 8 * facts.buckets
  const larger: Step = { strategy: raise, options: { max, buckets: isKeepable ? facts.buckets : 'auto' } }
  // Longer than the file has them nobody wants them for good.
  const unlike = kept.flatMap((one): [string, number][] => {
    const isLonger = !(wantedOf(one) <= Number(one.setting.value))
    return one.timeout === null || isLonger ? [] : [[one.timeout, wantedOf(one)]]
  })
  const lost = [...unkeptTimeouts(facts), ...unlike].map(([name, seconds]) => [name.replace(/^tcp_/, ''), seconds])
  const times: Step = { strategy: timeouts, options: Object.fromEntries(lost) }
  return [...(findings.some(({ cure }) => cure === 'keep-size') ? [larger] : []), ...(lost.length > 0 ? [times] : [])]
}
