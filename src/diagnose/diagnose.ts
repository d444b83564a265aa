/** Facts → what is wrong, and what to do about it. Pure. */
import type { Facts } from '../facts/facts.ts'
import { type Finding, SEVERITIES } from './finding.ts'
import { type PlanSteps, type Recommendation, recommend } from './recommend.ts'
import { RULES } from './rules/index.ts'

export interface Diagnosis {
  /** By severity, the worst first. */
  readonly findings: readonly Finding[]
  readonly recommendation: Recommendation
}

/** What every rule says of these facts. */
export function findingsOf(facts: Facts): Finding[] {
  const found = RULES.flatMap(rule => rule(facts) ?? [])
  return found.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
}

/** Findings and the strategy recommended for them. */
export function diagnose(facts: Facts, planSteps?: PlanSteps): Diagnosis {
  const findings = findingsOf(facts)
  return { findings, recommendation: recommend(facts, findings, planSteps) }
}
