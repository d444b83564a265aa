import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rulesFor } from '../../../src/firewall/candidates.ts'
import { holdsPort, type Match } from '../../../src/firewall/match.ts'
import type { Chain, Rule } from '../../../src/firewall/ruleset.ts'

const PORTS = { min: 1, max: 40 }
const range = fc
  .tuple(fc.integer(PORTS), fc.constantFrom(0, 0, 0, 3, 30))
  .map(([from, more]) => ({ from, to: from + more }))
const match: fc.Arbitrary<Match> = fc.record({
  not: fc.boolean(),
  condition: fc.oneof(
    fc.record({
      is: fc.constant('port' as const),
      side: fc.constantFrom('destination' as const, 'source' as const, 'either' as const),
      ranges: fc.array(range, { minLength: 1, maxLength: 3 }),
    }),
    fc.constant({ is: 'always' as const }),
  ),
})
const chainOf = (rules: readonly (readonly Match[])[]): Chain => ({
  name: 'INPUT',
  base: null,
  rules: rules.map((matches, i): Rule => ({ line: `${i}`, matches, verdict: { is: 'accept' } })),
})
const many = fc.array(fc.array(match, { maxLength: 3 }), { minLength: 70, maxLength: 120 })

/** What the rule asks of the port it goes to is not so. */
const asksForAnother = ({ matches }: Rule, port: number): boolean =>
  matches.some(
    ({ condition, not }) =>
      !not && condition.is === 'port' && condition.side === 'destination' && !holdsPort(condition.ranges, port),
  )

describe('the rules that a packet is held against', () => {
  it('are all but some that ask for another port, in their order', () => {
    fc.assert(
      fc.property(many, fc.integer({ min: 1, max: 80 }), (rules, port) => {
        const chain = chainOf(rules)
        const left = rulesFor(chain, port)
        expect(left).toEqual(chain.rules.filter(rule => left.includes(rule)))
        for (const rule of chain.rules) if (!left.includes(rule)) expect(asksForAnother(rule, port)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('of thousands for other ports are none of these', () => {
    const to = (port: number): Match[] => [
      { not: false, condition: { is: 'port', side: 'destination', ranges: [{ from: port, to: port }] } },
    ]
    const chain = chainOf([...Array.from({ length: 5_000 }, (_, i) => to(1_000 + i)), to(80), []])
    expect(rulesFor(chain, 80).map(({ line }) => line)).toEqual(['5000', '5001'])
    expect(rulesFor(chain, 81).map(({ line }) => line)).toEqual(['5001'])
  })

  it('are all of them where the port is not known, or there are few', () => {
    const few = chainOf([
      [{ not: false, condition: { is: 'port', side: 'destination', ranges: [{ from: 1, to: 1 }] } }],
    ])
    expect(rulesFor(few, 80)).toBe(few.rules)
    const long = chainOf(Array.from({ length: 100 }, () => []))
    expect(rulesFor(long, null)).toBe(long.rules)
  })
})
