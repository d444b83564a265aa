/** One chain after the other of what a base chain leads to: what becomes of a packet in it. */
import { rulesFor } from './candidates.ts'
import { holds, type Match, type Question, type Seen } from './match.ts'
import { type Base, type Chain, type Place, placeOf, type Rule, type Table } from './ruleset.ts'

/** Questions that nobody here can answer, and the answers that are assumed. */
export type Questions = ReadonlyMap<string, boolean>

/** A packet on its way. */
export interface Passing {
  readonly assuming: Questions
  readonly untracked: boolean
  readonly doubt: Place | null
}

export interface Ended extends Passing {
  readonly end: 'accepted' | 'dropped'
  readonly by: Place | null
}

/** `on`: to the next rule; `back`: to the chain it came from. */
interface Step extends Passing {
  readonly end: 'accepted' | 'dropped' | 'on' | 'back'
  readonly by: Place | null
}

interface Context {
  readonly table: Table
  readonly seen: Seen
  /** notrack counts only where tracking has not looked yet. */
  readonly beforeTracking: boolean
  readonly depth: number
}

/** The kernel refuses loops; a look that was taken while rules were replaced might have one. */
const DEEPEST = 32
/** More ways than that are not worth following: nobody could read the answer either. */
const MOST_WAYS = 256

/** What becomes of a packet in a base chain: the ways it can end there. */
export function runBase(
  table: Table,
  chain: Chain,
  base: Base,
  seen: Seen,
  passing: Passing,
  beforeTracking: boolean,
): Ended[] {
  const steps = runChain(chain, passing, { table, seen, beforeTracking, depth: 0 })
  return steps.map(step => {
    const { end, by } = step
    if (end === 'accepted' || end === 'dropped') return { ...step, end, by }
    const policy = placeOf(table, chain.name, `policy ${base.policy.toUpperCase()}`)
    return base.policy === 'drop' ? { ...step, end: 'dropped', by: policy } : { ...step, end: 'accepted', by: null }
  })
}

function runChain(chain: Chain, passing: Passing, context: Context): Step[] {
  let here: Step[] = [{ ...passing, end: 'on', by: null }]
  const left: Step[] = []
  for (const rule of rulesFor(chain, context.seen.destinationPort)) {
    // What it asks makes no difference, or is not so of this packet: there may be thousands of such rules.
    if (rule.verdict.is === 'continue' || here.every(step => isOther(rule, step, context.seen))) continue
    const steps = here.flatMap(step => applyRule(rule, chain, step, context))
    left.push(...steps.filter(({ end }) => end !== 'on'))
    here = steps.filter(({ end }) => end === 'on')
    if (here.length === 0) return left
    if (here.length + left.length > MOST_WAYS)
      return [...left, ...here.flatMap(step => eitherWay(step, placeOf(context.table, chain.name, rule.line)))]
  }
  return [...left, ...here.map(step => ({ ...step, end: 'back' as const }))]
}

/** True when one thing that the rule asks is known not to be so. */
function isOther({ matches }: Rule, { untracked }: Step, seen: Seen): boolean {
  const here = untracked && seen.state !== 'untracked' ? { ...seen, state: 'untracked' as const } : seen
  const isFalse = (match: Match): boolean => holds(match, here, '') === false
  // An address that nobody knows makes a question, which takes longest; most rules are out by their port.
  for (const match of matches) if (match.condition.is !== 'address' && isFalse(match)) return true
  for (const match of matches) if (match.condition.is === 'address' && isFalse(match)) return true
  return false
}

function applyRule(rule: Rule, chain: Chain, step: Step, context: Context): Step[] {
  const place = placeOf(context.table, chain.name, rule.line)
  const asked = questionsOf(rule, step, context.seen, place)
  if (asked === null) return [step]
  const taken = take(rule, place, assume(step, asked, place), context)
  // Whatever the answer, it comes out the same: no need to remember that it was asked.
  if (taken.every(({ end, untracked }) => end === 'on' && untracked === step.untracked)) return [step]
  const passedBy = asked.map(({ question, yes }, i) => {
    const before = assume(step, asked.slice(0, i), place)
    return assume(before, [{ question, yes: !yes }], place)
  })
  return [...taken, ...passedBy]
}

/** null when the rule is not for this packet; else what it hangs on, beyond what is assumed. */
function questionsOf(rule: Rule, step: Step, seen: Seen, place: Place): Question[] | null {
  const where = `${place.backend} ${place.family} ${place.table} ${place.chain} ${place.line}`
  const open = new Map<string, Question>()
  const state = step.untracked ? 'untracked' : seen.state
  for (const match of rule.matches) {
    const answer = holds(match, { ...seen, state }, where)
    if (answer === false) return null
    if (answer === true) continue
    const known = step.assuming.get(answer.question) ?? open.get(answer.question)?.yes
    if (known === undefined) open.set(answer.question, answer)
    else if (known !== answer.yes) return null
  }
  return [...open.values()]
}

function assume(step: Step, answers: readonly Question[], place: Place): Step {
  if (answers.length === 0) return step
  const assuming = new Map(step.assuming)
  for (const { question, yes } of answers) assuming.set(question, yes)
  return { ...step, assuming, doubt: step.doubt ?? place }
}

/** The rule is for this packet: its verdict. */
function take({ verdict }: Rule, place: Place, step: Step, context: Context): Step[] {
  switch (verdict.is) {
    case 'accept':
      return [{ ...step, end: 'accepted' }]
    case 'drop':
      return [{ ...step, end: 'dropped', by: place }]
    case 'return':
      return [{ ...step, end: 'back' }]
    case 'continue':
      return [step]
    case 'notrack':
      return [{ ...step, untracked: step.untracked || context.beforeTracking }]
    case 'unknown':
      return eitherWay(step, place)
    case 'jump':
    case 'goto': {
      const target = context.table.chains.get(verdict.chain)
      if (!target || context.depth >= DEEPEST) return eitherWay(step, place)
      const after = verdict.is === 'jump' ? 'on' : 'back'
      const steps = runChain(target, step, { ...context, depth: context.depth + 1 })
      return steps.map(inner => (inner.end === 'back' ? { ...inner, end: after } : inner))
    }
    default:
      return verdict satisfies never
  }
}

/** It may drop the packet, accept it, or let it go on. */
function eitherWay(step: Step, place: Place): Step[] {
  const where = `${place.backend} ${place.family} ${place.table} ${place.chain} ${place.line}`
  const drops = (yes: boolean): Question => ({ question: `${where} drops`, yes })
  const accepts = (yes: boolean): Question => ({ question: `${where} accepts`, yes })
  const ways: Step[] = [
    { ...assume(step, [drops(true)], place), end: 'dropped', by: place },
    { ...assume(step, [drops(false), accepts(true)], place), end: 'accepted' },
    { ...assume(step, [drops(false), accepts(false)], place), end: 'on' },
  ]
  return ways.filter(({ assuming }) =>
    [...step.assuming].every(([question, answer]) => assuming.get(question) === answer),
  )
}
