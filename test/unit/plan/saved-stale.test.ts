/** What a saved plan showed is done, or nothing. */
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/change/change.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { makePlan, type Plan, settledTask, type Task } from '../../../src/plan/plan.ts'
import { planSchema } from '../../../src/plan/plan-file.ts'
import { whyStale } from '../../../src/plan/saved-stale.ts'
import { raise } from '../../../src/strategy/raise.ts'
import { timeouts } from '../../../src/strategy/timeouts.ts'
import { file, makeFacts } from '../../support/facts.ts'
import { planFor } from '../../support/outcomes.ts'
import { CASES } from '../strategy/cases.ts'

/** As a file gives it back. */
const readBack = (plan: Plan): Plan => planSchema.parse(JSON.parse(JSON.stringify(plan)))

function again(shown: Plan, task: Task, facts: Facts): Plan {
  return makePlan('web-1', settledTask(shown, task), facts)
}

describe('on a host that is as it was, what was shown is what would be done', () => {
  const all = CASES.flatMap(({ path, strategy, given, facts }) =>
    [false, true].map(force => {
      const task = { steps: [{ strategy, options: given.options }], force }
      return { name: `${path}${force ? ', forced' : ''}`, task, facts, shown: makePlan('web-1', task, facts) }
    }),
  )
  const doable = all.filter(({ shown }) => shown.blockers.length === 0 && shown.changes.length > 0)

  it('there are cases of every strategy', () => {
    const covered = new Set(doable.flatMap(({ shown }) => shown.steps.map(({ strategy }) => strategy)))
    expect([...covered].toSorted()).toEqual(['blacklist', 'notrack', 'raise', 'timeouts', 'untrigger'])
  })

  it.each(doable)('$name', ({ task, facts, shown }) => {
    expect(whyStale(readBack(shown), again(shown, task, facts))).toBeNull()
  })
})

const steps = [
  { strategy: raise, options: { max: 131_072 } },
  { strategy: timeouts, options: { established: 600 } },
]
const task: Task = { steps, force: false }
const shown = readBack(planFor())

/** The same with one change made into another. */
function withChange(plan: Plan, target: string, make: (change: Change) => Change): Plan {
  return { ...plan, changes: plan.changes.map(change => (change.target === target ? make(change) : change)) }
}

describe('a host that is another by now', () => {
  const { changes: all } = shown
  it.each<[string, Partial<Facts>, RegExp]>([
    ['a value was moved', { max: 70_000 }, /nf_conntrack_max was 65536, is 70000/],
    ['a value is as wanted already', { max: 131_072 }, /nf_conntrack_max needs no change any more/],
    ['one that was right is not', { buckets: 16_384 }, /hashsize/],
    [
      'a file came',
      { files: [file('/etc/sysctl.d/99-zz-ctfix.conf', 'a = 1\n')] },
      /99-zz-ctfix.conf is not what it was/,
    ],
    ['somebody else owns it by now', { managers: ['kube-proxy'] }, /by now it is blocked: /],
  ])('%s', (_, differences, why) => {
    expect(whyStale(shown, again(shown, task, makeFacts(differences)))).toMatch(why)
  })

  it('every part of every change counts, but for its reason', () => {
    for (const { target } of all) {
      const told = (make: (change: Change) => object): string | null =>
        whyStale(
          shown,
          withChange(planFor(), target, change => Object.assign({ ...change }, make(change))),
        )
      expect(told(() => ({ why: 'for another reason' }))).toBeNull()
      expect(told(() => ({ after: null }))).toContain(`${target} would come to something else`)
      expect(told(() => ({ before: 'x' }))).toContain(target)
      expect(told(() => ({ layer: 'final' }))).toContain(target)
    }
  })

  it('a change more, a change less, another order', () => {
    const fresh = planFor()
    const [first, ...rest] = fresh.changes
    if (!first) throw new Error('no change')
    expect(whyStale(shown, { ...fresh, changes: rest })).toContain(`${first.target} needs no change any more`)
    expect(whyStale({ ...shown, changes: rest }, fresh)).toContain(`${first.target} would have to be changed, too`)
    expect(whyStale(shown, { ...fresh, changes: [...rest, first] })).toMatch(/another order/)
  })

  it('of many differences the first few are named', () => {
    expect(whyStale(shown, { ...planFor(), changes: [] })).toMatch(/; and \d more$/)
  })

  it('force goes past what was shown, and past nothing else', () => {
    const forced = { code: 'cuts-off-service', message: 'tcp port 80', forceable: true }
    const [one, other] = [
      { ...shown, forced: [forced] },
      { ...shown, forced: [{ ...forced, message: 'tcp port 443' }] },
    ]
    expect(whyStale(one, one)).toBeNull()
    expect(whyStale(one, shown)).toBeNull()
    expect(whyStale(shown, one)).toMatch(/--force would go past more than was shown: cuts-off-service: tcp port 80/)
    expect(whyStale(one, other)).toMatch(/tcp port 443/)
  })
})

describe('live entries come and go', () => {
  const entries = (count: number, selectors: readonly (readonly string[])[]): Change => ({
    kind: 'entries',
    layer: 'final',
    target: 'entries of tcp 80',
    before: { count, selectors },
    after: null,
    why: 'w',
  })
  const withEntries = (...more: Change[]): Plan => ({ ...shown, changes: [...shown.changes, ...more] })
  const web = [['-p', 'tcp', '--dport', '80']]

  it('another number of them, or none any more, is the same plan', () => {
    expect(whyStale(withEntries(entries(5, web)), withEntries(entries(900, web)))).toBeNull()
    expect(whyStale(withEntries(entries(5, web)), shown)).toBeNull()
  })
  it('other entries than those that were shown are not', () => {
    expect(whyStale(withEntries(entries(5, web)), withEntries(entries(5, [['-p', 'tcp']])))).toMatch(/are others/)
    expect(whyStale(shown, withEntries(entries(5, web)))).toMatch(/entries of tcp 80 would have to be changed, too/)
  })
})
