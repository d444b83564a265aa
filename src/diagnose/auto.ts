/** auto: whatever the diagnosis recommends for a host, planned by the strategy it comes to. */
import { z } from 'zod'
import type { Facts } from '../facts/facts.ts'
import { lint } from '../strategy/lint.ts'
import { type Draft, defineStrategy } from '../strategy/strategy.ts'
import { findingsOf } from './diagnose.ts'
import { recommend } from './recommend.ts'

export const auto = defineStrategy({
  name: 'auto',
  summary: 'the strategy that the diagnosis of each host recommends, and why',
  needs: { states: true, ruleset: true, census: true },
  relief: 'at-once',
  options: z.strictObject({}),
  plan: (_, facts) => plan(facts),
})

/** Where every candidate is declined, what stands against the first is what stands against this. */
function plan(facts: Facts): Draft {
  const { steps, why, plan: chosen } = recommend(facts, findingsOf(facts))
  const names = steps.map(({ strategy }) => strategy).join(' and ')
  const said = steps.length > 0 ? `auto comes to ${names}: ${why}` : `auto comes to nothing: ${why}`
  return {
    changes: chosen?.changes ?? [],
    notes: [said],
    warnings: chosen?.warnings ?? lint(facts),
    blockers: chosen?.blockers ?? [],
    settled: {},
    evidence: chosen?.evidence ?? [],
    // Declined or not, what is planned is what these came to.
    ...(chosen && chosen.steps.length > 0 ? { cameTo: chosen.steps } : {}),
  }
}
