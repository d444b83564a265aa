import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import { RULES } from '../../../src/diagnose/rules/index.ts'
import { timeouts } from '../../../src/strategy/timeouts.ts'
import { makeFacts } from '../../support/facts.ts'
import { but } from './hosts.ts'
import { SICK } from './sick.ts'
import { WELL } from './well.ts'

describe('a host that is ill', () => {
  it.each(SICK.map(one => [one.host, one] as const))('%s', (_, { facts, finds, says, recommends }) => {
    const { findings, recommendation } = diagnose(facts)
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual(finds)
    expect(findings[0]?.title).toMatch(says)
    for (const { evidence, remedy, code } of findings) {
      expect(evidence.join(), code).not.toBe('')
      expect(evidence.join() + remedy, code).not.toMatch(/undefined|NaN|null/)
    }
    expect(
      recommendation.steps.map(({ strategy }) => strategy),
      recommendation.why,
    ).toEqual(recommends)
    // What is recommended the planner itself would do.
    if (recommends.length > 0) {
      expect(recommendation.plan?.blockers).toEqual([])
      expect(recommendation.plan?.changes.length).toBeGreaterThan(0)
    } else expect(recommendation.why).not.toBe('')
  })

  it('is spoken of in right words where something is there once', () => {
    const one = (counts: Readonly<Record<string, number>>): Record<string, number> =>
      Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, Math.min(n, 1)]))
    const texts = SICK.flatMap(({ facts }) => {
      const { log, stats } = facts
      const few = {
        ...facts,
        stats: stats && { ...stats, counters: one(stats.counters) },
        log: log && {
          ...log,
          lines: Math.min(log.lines, 1),
          expectationLines: Math.min(log.expectationLines ?? 0, 1),
          byNamespace: one(log.byNamespace ?? {}),
        },
        earlier: null,
      }
      return diagnose(few).findings.flatMap(({ title, evidence }) => [title, ...evidence])
    })
    expect(texts.join('\n')).toMatch(/logged it once/)
    expect(texts.filter(text => /(?<![\d,.])1 (times|packets|entries|connections)\b/.test(text))).toEqual([])
  })

  it('is one of at least twenty', () => {
    expect(SICK.length).toBeGreaterThanOrEqual(20)
  })
})

describe('a host that is well', () => {
  it.each(WELL)('%s: nothing is found, nothing recommended', (_, facts) => {
    const { findings, recommendation } = diagnose(facts)
    expect(findings).toEqual([])
    expect(recommendation.steps).toEqual([])
  })

  it('is one of at least five', () => {
    expect(WELL.length).toBeGreaterThanOrEqual(5)
  })
})

describe('the rules', () => {
  it('are each in a file of their own, and all files are in the table', () => {
    const files = readdirSync(new URL('../../../src/diagnose/rules/', import.meta.url)).filter(
      name => name !== 'index.ts',
    )
    expect(files.length).toBe(RULES.length)
  })

  it.each(RULES.map((rule, i) => [rule.name || String(i), rule] as const))(
    '%s finds one of the ill hosts, and no other rule its code',
    (_, rule) => {
      const codes = new Set(SICK.flatMap(({ facts }) => rule(facts)?.code ?? []))
      expect(codes.size).toBeGreaterThan(0)
      for (const other of RULES) {
        if (other === rule) continue
        for (const { facts } of SICK) expect(codes).not.toContain(other(facts)?.code)
      }
    },
  )
})

it('no number that a host may show makes it fail', () => {
  const number = fc.oneof(fc.constantFrom(null, 0, -1, 1, 65_536, 2_147_483_647), fc.integer())
  const small = fc.constantFrom(-1, 0, 1, 30, 7440, 432_000, 2_147_483_647)
  const [{ facts: full }, { facts: lost }] = [
    SICK[0] ?? expect.unreachable(),
    SICK.find(({ host }) => host.startsWith('raised by hand')) ?? expect.unreachable(),
  ]
  fc.assert(
    fc.property(
      number,
      number,
      number,
      small,
      small,
      fc.constantFrom(full, lost),
      (count, max, buckets, one, two, base) => {
        const timeouts = { ...base.timeouts, tcp_established: one, udp: two }
        const { findings, recommendation } = diagnose(but(base, { count, max, buckets, timeouts }))
        expect(JSON.stringify([findings, recommendation.why])).not.toMatch(/NaN|undefined/)
      },
    ),
  )
})

it('the census counts as idle what the default timeouts would not keep', () => {
  const text = readFileSync(new URL('../../../src/facts/remote/census.sh', import.meta.url), 'utf8')
  const targets = /^census_targets='(.*)'$/m
    .exec(text)?.[1]
    ?.split(' ')
    .map(pair => pair.split('='))
  const planned = timeouts.configure({})(makeFacts()).settled
  const { raise: _, ...seconds } = planned
  expect(Object.fromEntries((targets ?? []).map(([state = '', n]) => [state.toLowerCase(), Number(n)]))).toEqual(
    seconds,
  )
})
