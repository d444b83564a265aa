/** Between the plan and the yes of a person somebody else may have been at work. */
import { expect, it } from 'vitest'
import { stillApproved } from '../../../src/cli/looks.ts'
import { makePlan, type Plan } from '../../../src/plan/plan.ts'
import type { Prepared } from '../../../src/run/commands.ts'
import { notrack } from '../../../src/strategy/notrack/notrack.ts'
import { makeFacts } from '../../support/facts.ts'
import { DEBIAN, rulesetOf, source } from '../firewall/samples.ts'

const BAN = '-A INPUT -s 203.0.113.9/32 -j DROP\n'

function planOn(text: string): Plan {
  const facts = makeFacts({
    ipv6: false,
    directories: ['/etc/iptables'],
    ruleset: rulesetOf(source(text, { backend: 'iptables-nft' })),
  })
  const task = { steps: [{ strategy: notrack, options: { tcp: 80 } }], force: false }
  return makePlan('h', task, facts, { local: true })
}

/** A survey whose connection lives, or not; `now` is what a second look comes to. */
function held(plan: Plan, now: Plan, alive = true): { readonly prepared: Prepared; readonly closed: () => boolean } {
  let closed = false
  const connection = {
    alive,
    async [Symbol.asyncDispose]() {
      closed = true
    },
  }
  const prepared = { plan, connection, again: async () => now } as unknown as Prepared
  return { prepared, closed: () => closed }
}

const never = (): Promise<Prepared> => Promise.reject(new Error('nobody asked for a new connection'))
const approved = planOn(DEBIAN)
/** The same changes by now let somebody in who was banned in between. */
const banned = planOn(DEBIAN.replace('-A INPUT -p tcp -m multiport', `${BAN}-A INPUT -p tcp -m multiport`))

it('the same plan is carried out over the connection there is', async () => {
  const { prepared, closed } = held(approved, planOn(DEBIAN))
  expect(await stillApproved(approved, prepared, true, never)).toBe(prepared)
  expect(closed()).toBe(false)
})

it('a rule that came in between makes it stale, though it touches no target of the plan', async () => {
  expect(banned.blockers.map(({ code }) => code)).toEqual(['opens-port'])
  const { prepared, closed } = held(approved, banned)
  expect(await stillApproved(approved, prepared, true, never)).toBe('stale')
  expect(closed()).toBe(true)
  const fresh = held(banned, banned)
  expect(
    await stillApproved(approved, held(approved, approved, false).prepared, true, async () => fresh.prepared),
  ).toBe('stale')
  expect(fresh.closed()).toBe(true)
})

it('nobody looks twice where nobody was asked', async () => {
  const { prepared } = held(approved, banned)
  expect(await stillApproved(approved, prepared, false, never)).toBe(prepared)
})

it('a connection that is taken is closed when the second look fails, and when it is dead by then', async () => {
  const broken = held(approved, approved)
  const prepared = { ...broken.prepared, again: () => Promise.reject(new Error('no answer')) }
  await expect(stillApproved(approved, prepared, true, never)).rejects.toThrow('no answer')
  expect(broken.closed()).toBe(true)
  const dead = held(approved, approved, false)
  const fresh = held(approved, approved)
  expect(await stillApproved(approved, dead.prepared, true, async () => fresh.prepared)).toBe(fresh.prepared)
  expect([dead.closed(), fresh.closed()]).toEqual([true, false])
})
