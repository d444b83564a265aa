import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Change, invert, isNoop, mergeChanges, undo } from '../../../src/change/change.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { diffLines } from '../../../src/plan/diff.ts'
import { applyToFacts, isSamePlan, makePlan, settledTask, type Task } from '../../../src/plan/plan.ts'
import { raise } from '../../../src/strategy/raise.ts'
import { timeouts } from '../../../src/strategy/timeouts.ts'
import { entriesChange } from '../../support/changes.ts'
import { CENTOS5, makeFacts } from '../../support/facts.ts'

const task = (...steps: Task['steps']): Task => ({ steps, force: false })

const someFacts = fc
  .record({
    count: fc.integer({ min: 0, max: 300_000 }),
    max: fc.integer({ min: 0, max: 300_000 }),
    buckets: fc.integer({ min: 1, max: 300_000 }),
    old: fc.boolean(),
    builtin: fc.boolean(),
    drop: fc.integer({ min: 0, max: 5 }),
    established: fc.integer({ min: 0, max: 432_000 }),
  })
  .map(({ old, builtin, drop, established, ...sizes }) => ({
    platform: old ? CENTOS5 : {},
    differences: {
      ...sizes,
      ...(builtin && !old ? { providedBy: 'builtin' as const } : {}),
      stats: { counters: old ? { drop } : { drop, chainlength: 0 }, cpus: 1 },
      timeouts: { tcp_established: established, tcp_time_wait: 120 },
    },
  }))
  .map(({ platform, differences }): Facts => {
    const facts = makeFacts({ ...platform, ...differences })
    return { ...facts, buckets: Math.ceil((facts.buckets ?? 0) / step(facts)) * step(facts) }
  })

/** 2.6.18 does not round its buckets; later kernels take a page of pointers. */
const step = ({ family }: Facts): number => (family === 'ip_conntrack' ? 1 : 512)

const someTask = fc
  .tuple(
    fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 3_000_000 })),
    fc.boolean(),
    fc.integer({ min: 300, max: 9_000 }),
  )
  .map(([max, both, established]) =>
    both
      ? task({ strategy: raise, options: { max } }, { strategy: timeouts, options: { established } })
      : task({ strategy: raise, options: { max } }),
  )

describe('a plan', () => {
  it('leaves nothing to do once it is done, whatever the host and the task', () => {
    fc.assert(
      fc.property(someFacts, someTask, (facts, wanted) => {
        const plan = makePlan('h', wanted, facts)
        const after = applyToFacts(facts, plan.changes)
        // The kernel takes whole pages of buckets, whatever was written.
        const asKernel = { ...after, buckets: Math.ceil((after.buckets ?? 0) / step(facts)) * step(facts) }
        expect(makePlan('h', settledTask(plan, wanted), asKernel).changes).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  it('is empty the second time with auto too: what was logged before is no reason to raise again', () => {
    const full = makeFacts({ count: 600, max: 600, stats: { counters: { drop: 99, chainlength: 0 }, cpus: 1 } })
    const wanted = task({ strategy: raise, options: {} })
    const after = applyToFacts(full, makePlan('h', wanted, full).changes)
    expect(after.max).toBeGreaterThan(600)
    expect(makePlan('h', wanted, after).changes).toEqual([])
  })

  it('joins strategies that write the same file into one change of it', () => {
    const wanted = task(
      { strategy: raise, options: { max: 131_072 } },
      { strategy: timeouts, options: { established: 7440 } },
    )
    const plan = makePlan('h', wanted, makeFacts())
    const files = plan.changes.flatMap(change => (change.kind === 'file' ? [change] : []))
    const targets = files.map(({ target }) => target)
    expect(new Set(targets).size).toBe(targets.length)
    const sysctl = files.find(({ target }) => target === '/etc/sysctl.d/99-zz-ctfix.conf')
    expect(sysctl?.before).toBeNull()
    expect(sysctl?.after?.content).toContain('nf_conntrack_max = 131072\n')
    expect(sysctl?.after?.content).toContain('tcp_timeout_established = 7440\n')
  })

  it('puts live values before files', () => {
    const plan = makePlan('h', task({ strategy: raise, options: { max: 131_072 } }), makeFacts())
    const layers = plan.changes.map(({ layer }) => layer)
    expect(layers).toEqual([...layers].toSorted().toReversed())
  })

  it('goes past a warning-level blocker only when forced, and names it', () => {
    const facts = makeFacts({ managers: ['kube-proxy'], count: 65_536 })
    const steps = task({ strategy: raise, options: {} })
    expect(makePlan('h', steps, facts).blockers.map(({ code }) => code)).toEqual(['kube-proxy-owns'])
    const forced = makePlan('h', { ...steps, force: true }, facts)
    expect(forced.blockers).toEqual([])
    expect(forced.forced.map(({ code }) => code)).toEqual(['kube-proxy-owns'])
  })

  it('never goes past what is not warning-level', () => {
    const facts = makeFacts({ ownsKernel: false, container: 'docker' })
    const plan = makePlan('h', { ...task({ strategy: raise, options: {} }), force: true }, facts)
    expect(plan.blockers.map(({ code }) => code)).toEqual(['not-own-kernel'])
    expect(plan.blockers[0]?.message).toMatch(/\(docker: see \/\.dockerenv, or .*\).*; --force does not change that$/)
  })

  it('is the same plan only when it would do the same to the same state', () => {
    const wanted = task({ strategy: raise, options: { max: 131_072 } })
    const plan = makePlan('h', wanted, makeFacts())
    expect(isSamePlan(plan, makePlan('h', wanted, makeFacts({ count: 999 })))).toBe(true)
    expect(isSamePlan(plan, makePlan('h', wanted, makeFacts({ max: 60_000 })))).toBe(false)
  })
})

describe('changes', () => {
  const someChange: fc.Arbitrary<Change> = fc
    .tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.option(fc.constantFrom('', '0', '1')),
      fc.option(fc.constantFrom('', '0', '1')),
    )
    .map(([target, before, after]) => ({ kind: 'kernel-value', layer: 'runtime', target, before, after, why: 'w' }))

  it('undone twice are what they were', () => {
    fc.assert(
      fc.property(fc.array(someChange), changes => {
        expect(undo(undo(changes))).toEqual(changes)
      }),
    )
  })

  it('with a value of 0 or an empty one are changes like any other', () => {
    const zero: Change = { kind: 'kernel-value', layer: 'runtime', target: 't', before: '0', after: '', why: 'w' }
    expect(isNoop(zero)).toBe(false)
    expect(invert(zero)).toEqual({ ...zero, before: '', after: '0' })
    expect(mergeChanges([zero, invert(zero)])).toEqual([])
  })
})

describe('the diff', () => {
  it('shows live values as before → after, files as unified diffs, each with its reason', () => {
    const plan = makePlan('h', task({ strategy: raise, options: { max: 131_072 } }), makeFacts())
    expect(diffLines(plan).join('\n')).toMatchInlineSnapshot(`
      "~ /sys/module/nf_conntrack/parameters/hashsize: 65536 → 131072
          one bucket an entry: this kernel silently refuses entries when a chain gets long
      ~ net.netfilter.nf_conntrack_max: 65536 → 131072
          asked for: max 131,072
      --- /dev/null
      +++ /etc/sysctl.d/99-zz-ctfix.conf
      @@ -0,0 +1,2 @@
      +# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      +net.netfilter.nf_conntrack_max = 131072
          kept over a reboot
      --- /dev/null
      +++ /etc/modules-load.d/ctfix.conf
      @@ -0,0 +1,2 @@
      +# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      +nf_conntrack
          boot applies sysctl files before anything loads nf_conntrack: without this line the values are lost
      --- /dev/null
      +++ /etc/modprobe.d/zz-ctfix.conf
      @@ -0,0 +1,2 @@
      +# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      +options nf_conntrack hashsize=131072
          the hash size at module load"
    `)
  })

  it('shows entries last, which do not come back', () => {
    const entries = entriesChange(12_345, [['-p', 'tcp', '--dport', '80']])
    const plan = makePlan('h', task({ strategy: raise, options: { max: 131_072 } }), makeFacts())
    expect(diffLines({ ...plan, changes: [entries, ...plan.changes] }).slice(-2)).toEqual([
      '× 12,345 live entries of tcp 80 are removed once the change is confirmed; they do not come back',
      '    w',
    ])
  })

  it('makes control characters of a host harmless', () => {
    const evil: Change = {
      kind: 'kernel-value',
      layer: 'runtime',
      target: 't',
      before: '\u001b[2J',
      after: '1',
      why: 'w',
    }
    const plan = { ...makePlan('h', task(), makeFacts()), changes: [evil] }
    expect(diffLines(plan).join('')).not.toContain('\u001b')
  })
})
