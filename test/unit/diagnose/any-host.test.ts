/** Whatever a host shows: what is recommended its own planner accepts, cures, and then recommends no more. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import { planAnywhere } from '../../../src/diagnose/recommend.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { applyToFacts } from '../../../src/plan/plan.ts'
import { strategies } from '../../../src/strategy/index.ts'
import { but, calm, counters, cured, recorded, rules, sysctl } from './hosts.ts'
import { SICK } from './sick.ts'

const GIB = 1024 ** 3
const MAX = 'net.netfilter.nf_conntrack_max'
const size = fc.constantFrom(0, 1, 600, 1_024, 7_680, 16_384, 65_536, 200_000, 262_144, 1_048_576, 2_147_483_647)
/** The kernel rounds up to whole pages: of 512 buckets, of 1,024 on 32 bits, of 8,192 where pages are large. */
const buckets = fc.constantFrom(8_192, 16_384, 65_536, 204_800, 262_144, 1_048_576)
const counter = fc.constantFrom(0, 0, 3, 150, 40_000)
const timeout = fc.constantFrom(-1, 0, 1, 30, 60, 120, 300, 7_440, 432_000)
const file = fc.constantFrom('/etc/sysctl.d/10-a.conf', '/etc/sysctl.d/99-zzz.conf', '/usr/lib/sysctl.d/50-x.conf')
const RAW = ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]']
const rule = fc.constantFrom(
  '-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack',
  '-A OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack',
  '-A PREROUTING -i eth0 -p udp -m udp --sport 53 -j NOTRACK',
  '-A OUTPUT -d 10.0.0.0/8 -j NOTRACK',
)

/** A recorded host, or one that is ill, and any of its numbers another one. */
const anyHost: fc.Arbitrary<Facts> = fc
  .record({
    base: fc.constantFrom(
      ...[calm, cured, recorded('centos5'), recorded('centos6-compat'), recorded('openwrt'), recorded('kube-node')],
      ...SICK.map(({ facts }) => facts),
    ),
    count: fc.oneof(fc.constant(null), size),
    max: fc.oneof(fc.constant(null), size),
    buckets: fc.oneof(fc.constant(null), buckets),
    memory: fc.constantFrom(0.05, 0.3, 0.9, 2, 4, 64),
    now: fc.record({ drop: counter, early_drop: counter, insert_failed: counter, chainlength: counter }),
    rise: counter,
    ago: fc.constantFrom(null, 0, 3_600, 900_000),
    established: timeout,
    udp: timeout,
    written: fc.array(fc.record({ file, value: size }), { maxLength: 3 }),
    option: fc.option(fc.constantFrom('=65536', '=', ' = 1', '=64k'), { nil: null }),
    raw: fc.array(rule, { maxLength: 4 }),
    forwards: fc.boolean(),
    nat: fc.boolean(),
  })
  .map(({ base, ...one }) => {
    const stats = base.stats && counters(base, one.now)
    return but(base, {
      ...{ count: one.count, max: one.max, buckets: one.buckets, stats },
      memoryBytes: one.memory * GIB,
      memoryAvailableBytes: 0.6 * one.memory * GIB,
      earlier: {
        stats: base.stats,
        ...(one.count === null ? {} : { count: Math.max(0, one.count - one.rise) }),
        log: null,
        secondsBefore: 10,
      },
      log: base.log && {
        ...base.log,
        lines: one.ago === null ? 0 : 4,
        lastAtSeconds: one.ago && base.uptimeSeconds - one.ago,
      },
      timeouts: { ...base.timeouts, tcp_established: one.established, udp: one.udp },
      // Those of its own files as well: a change of such a file shows all that is in it.
      sysctlSettings: [...base.sysctlSettings, ...one.written.map(({ file: name, value }) => sysctl(name, MAX, value))],
      modprobeSettings:
        one.option === null
          ? []
          : [{ file: '/etc/modprobe.d/x.conf', line: 1, text: `options nf_conntrack hashsize${one.option}` }],
      ruleset: one.raw.length === 0 ? base.ruleset : rules(...RAW, ...one.raw, 'COMMIT'),
      forwarding: { ipv4: one.forwards, ipv6: false },
      nat: { inUse: one.nat, evidence: one.nat ? ['ip nat POSTROUTING: -j MASQUERADE'] : [] },
    })
  })

describe('any host', () => {
  it('is told nothing without a number, and is recommended what its planner does, to the same end', () => {
    let recommended = 0
    fc.assert(
      fc.property(anyHost, facts => {
        const { findings, recommendation } = diagnose(facts)
        expect(JSON.stringify([findings, recommendation.why])).not.toMatch(/NaN|undefined|Infinity|null/)
        expect(new Set(findings.map(({ code }) => code)).size).toBe(findings.length)
        for (const { evidence, remedy } of findings) expect([evidence.join(), remedy]).not.toContain('')
        const { steps, plan } = recommendation
        if (steps.length === 0) return
        recommended++
        const again = steps.map(({ strategy: name, options }) => {
          const strategy = strategies.find(one => one.name === name) ?? expect.unreachable(name)
          expect(strategy.options.safeParse(options).success, JSON.stringify(options)).toBe(true)
          return { strategy, options }
        })
        const planned = planAnywhere(again, facts)
        expect(planned.blockers).toEqual([])
        const made = ({ changes }: typeof planned) => changes.map(({ target, after }) => ({ target, after }))
        expect(made(planned)).toEqual(plan && made(plan))
        expect(planned.changes.length).toBeGreaterThan(0)
        // What was done is not left to do.
        const then = applyToFacts(facts, planned.changes)
        expect(planAnywhere(again, then).changes).toEqual([])
      }),
      { numRuns: 300 },
    )
    expect(recommended).toBeGreaterThan(20)
  })
})
