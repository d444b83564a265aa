/** What untrigger plans is what it then finds: each of its cases is planned again on the facts as the plan leaves them. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { applyToFacts, makePlan, type Plan, type Step, settledTask } from '../../../src/plan/plan.ts'
import { CASES, type Case } from './cases.ts'

/** Old entries are gone once their time is over. */
function done(facts: Facts, plan: Plan): Facts {
  return { ...applyToFacts(facts, plan.changes), count: 0 }
}

function planOf({ strategy }: Case, options: Step['options'], facts: Facts): Plan {
  return makePlan('h', { steps: [{ strategy, options }], force: false }, facts, { local: true })
}

const planned = CASES.filter(
  ({ strategy, given }) =>
    strategy.name === 'untrigger' && given.blockers.length === 0 && (given.rules ?? []).length > 0,
)

describe.each(planned)('$path', given => {
  const { facts, strategy } = given
  const { options } = given.given
  const first = planOf(given, options, facts)
  const after = done(facts, first)

  it('finds nothing to do once it is done', () => {
    expect(first.blockers).toEqual([])
    const task = { steps: [{ strategy, options }], force: false }
    for (const again of [
      planOf(given, options, after),
      makePlan('h', settledTask(first, task), after, { local: true }),
    ]) {
      expect(again.blockers).toEqual([])
      expect(again.changes).toEqual([])
    }
  })

  it('takes every rule back to its place', () => {
    const back = first.changes
      .toReversed()
      .map(change => ({ ...change, before: change.after, after: change.before }) as (typeof first.changes)[number])
    const again = applyToFacts(after, back)
    // Chains may come in another order; their rules may not.
    const chainOf = (line: string): string => /^-A (\S+)/.exec(line)?.[1] ?? ''
    const lines = ({ ruleset }: Facts): unknown =>
      ruleset?.sources.map(({ text, format }) =>
        (format === 'json' ? text.replaceAll(/"(handle":\d+|comment":"ctfix"),/g, '') : text)
          .split('\n')
          .map(line => line.replace(/^\[\d+:\d+\] /, ''))
          .toSorted((a, b) => chainOf(a).localeCompare(chainOf(b))),
      )
    expect(lines(again)).toEqual(lines(facts))
    expect(again.files).toEqual(facts.files)
  })
})

it('there are such cases', () => {
  expect(planned.length).toBeGreaterThan(8)
})
