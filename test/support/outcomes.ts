/** Outcomes and plans for tests of what is made of them. */
import type { Facts } from '../../src/facts/facts.ts'
import { makePlan, type Plan, type Task } from '../../src/plan/plan.ts'
import type { Outcome, Status } from '../../src/run/status.ts'
import { raise } from '../../src/strategy/raise.ts'
import { timeouts } from '../../src/strategy/timeouts.ts'
import { makeFacts } from './facts.ts'

/** An outcome with nothing in it but what is given. */
export function makeOutcome(status: Status, parts: Partial<Outcome> = {}): Outcome {
  return {
    host: 'web-1',
    status,
    cause: null,
    facts: null,
    plan: null,
    checks: [],
    error: null,
    digest: null,
    elapsedMs: 7,
    ...parts,
  }
}

/** The plan of raise and timeouts on the healthy host with some facts replaced. */
export function planFor(differences: Partial<Facts> = {}, { force = false }: Partial<Pick<Task, 'force'>> = {}): Plan {
  const steps = [
    { strategy: raise, options: { max: 131_072 } },
    { strategy: timeouts, options: { established: 600 } },
  ]
  return makePlan('web-1', { steps, force }, makeFacts(differences))
}
