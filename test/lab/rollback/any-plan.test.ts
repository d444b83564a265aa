/** Apply and then rollback leaves a host as it was, to the byte, whatever the plan. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asRoot } from '../apply/stage.ts'
import { createDebian, type FakeHost, withoutRuns } from '../simulated/debian.ts'
import { startSimulated } from '../simulated.ts'
import { engineFor } from './in-process.ts'
import { furnish, planOn, wishes } from './random-plan.ts'

const RUNS = 30

/** The whole host, without what the pretended tools keep for themselves. */
function stateOf(host: FakeHost): Readonly<Record<string, string>> {
  const own = /^\/(run\/fake\/.*\.new|lib\/fake)/
  return Object.fromEntries(Object.entries(withoutRuns(host.tree())).filter(([path]) => !own.test(path)))
}

asRoot('apply and then rollback', () => {
  test(`of ${RUNS} plans by chance: whatever a change can be of, all is as before, to the byte`, async () => {
    using host = createDebian()
    furnish(host)
    await using lab = await startSimulated(1, { answer: host.answer })
    const engine = await engineFor(lab)
    // A table that a rule had loaded stays loaded, as with the real tool: so both are there from the start.
    for (const tool of ['iptables-legacy', 'ip6tables-legacy']) {
      for (const table of ['filter', 'raw']) await host.inspect(`${tool} -t ${table} -S`)
    }
    let changed = 0
    await fc.assert(
      fc.asyncProperty(wishes, async wanted => {
        const plan = planOn(host, wanted)
        const before = stateOf(host)
        const applied = await engine.apply(plan)
        expect(applied.status, JSON.stringify([applied.error, applied.plan?.blockers])).toBe(
          plan.length === 0 ? 'ok' : 'changed',
        )
        if (plan.length === 0) return
        changed += 1
        expect(stateOf(host)).not.toEqual(before)
        const back = await engine.rollback(applied.run)
        expect(back.status, JSON.stringify([back.error, back.plan?.blockers])).toBe('changed')
        expect(stateOf(host)).toEqual(before)
        expect((await engine.rollback(applied.run)).status).toBe('ok')
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
    expect(changed).toBeGreaterThan(RUNS / 2)
  })
})
