/** Which hosts are alike in what is to be said of them. */
import { createHash } from 'node:crypto'
import type { Plan } from '../plan/plan.ts'
import type { Outcome } from '../run/status.ts'
import { masked, shape } from './fold.ts'

/** What is compared of each plan. Made once: a plan is compared for its reasons, for its diff, and with each of its kind. */
const planKeys = new WeakMap<Outcome, string>()
const actKeys = new WeakMap<Plan, string>()

/** Compares the plans of many hosts, with a place to pause after each. */
export function* comparedPlans(outcomes: readonly Outcome[]): Generator<''> {
  for (const outcome of outcomes) {
    planKey(outcome)
    if (outcome.plan) actKey(outcome.plan)
    yield ''
  }
}

/** Equal for hosts of which the same is to be said before they are changed. */
export function planKey(outcome: Outcome): string {
  const known = planKeys.get(outcome)
  if (known !== undefined) return known
  const made = digest(planText(outcome))
  planKeys.set(outcome, made)
  return made
}

/** Equal for plans that do the same, to the letter. */
export function actKey(plan: Plan): string {
  const known = actKeys.get(plan)
  if (known !== undefined) return known
  const made = digest(actsOf(plan, text => text))
  actKeys.set(plan, made)
  return made
}

/** As short for every plan, however long that is. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

function planText(outcome: Outcome): string {
  const { plan, status } = outcome
  if (plan === null) return JSON.stringify([status, errorKey(outcome)])
  const own = (text: string): string => masked(text, outcome)
  const notes = [...plan.forced, ...plan.blockers].map(({ code, message }) => [code, own(message)])
  const warnings = [...(plan.notes ?? []), '', ...plan.warnings].map(text => shape(own(text)))
  const whys = plan.changes.map(({ why }) => shape(own(why)))
  return JSON.stringify([actsOf(plan, own), whys, warnings, notes, plan.forced.length])
}

/** What a plan does, by which diffs are compared: making one takes longer than all the rest. */
function actsOf({ changes }: Plan, own: (text: string) => string): string {
  const acts = changes.map(({ why: _, ...act }) =>
    act.kind === 'entries' ? { ...act, before: act.before?.selectors } : act,
  )
  return JSON.stringify(acts, (_, value: unknown) => (typeof value === 'string' ? own(value) : value))
}

/** What an error says but for what is this host's alone: its name, how often it was tried, what its checks measured. */
export function errorKey(outcome: Outcome): string {
  const { error, checks } = outcome
  if (error === null) return ''
  const said = checks.reduce((text, { detail }) => text.replaceAll(detail, shape(detail)), error.message)
  const tried = said.replace(/\(\d+ attempts in \d+s\)$/, shape)
  return JSON.stringify([masked(tried, outcome), masked(error.hint ?? '', outcome)])
}
