/** What notrack plans is what it then finds: each of its cases is planned again on the facts as the plan leaves them. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { stripOwn } from '../../../src/firewall/strip.ts'
import { applyToFacts, makePlan, type Plan, type Step, settledTask } from '../../../src/plan/plan.ts'
import { options as schema, settledOptions } from '../../../src/strategy/notrack/options.ts'
import { CASES, type Case } from './cases.ts'

const LOCAL = { local: true }

/** Live entries are gone once a plan is done. */
function done(facts: Facts, plan: Plan): Facts {
  const after = applyToFacts(facts, plan.changes)
  return { ...after, flows: after.flows && { ...after.flows, entries: 0, sample: [] } }
}

function planOf({ strategy }: Case, options: Step['options'], facts: Facts): Plan {
  return makePlan('h', { steps: [{ strategy, options }], force: false }, facts, LOCAL)
}

/** Everything that decides: rules in order, without counters and the blank lines of a save, and files. */
function stateOf({ ruleset, files, ownNft }: Facts): unknown {
  const lines = (text: string): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return {
    rules: ruleset?.sources.map(({ text, format, ...about }) => ({
      ...about,
      text: format === 'json' ? JSON.parse(text) : byTable(lines(text)),
    })),
    files: files.filter(({ state }) => state).map(({ path, state }) => [path, state?.content]),
    ownNft,
  }
}

/** Chains of a table in whatever order they were made; tables that hold nothing are as good as none. */
function byTable(lines: readonly string[]): string[] {
  const tables = lines.join('\n').split('COMMIT')
  return tables
    .map(table => table.trim().split('\n'))
    .filter(table => table.some(line => line.startsWith('-A') || /^:\S+ DROP/.test(line)))
    .map(([name = '', ...rest]) => {
      const chains = new Map<string, string[]>()
      for (const line of rest) {
        const chain = /^(?:\[\d+:\d+\] )?(?::|-A )(\S+)/.exec(line)?.[1] ?? ''
        chains.set(chain, [...(chains.get(chain) ?? []), line])
      }
      return [name, ...[...chains].toSorted().flatMap(([, found]) => found)].join('\n')
    })
    .toSorted()
}

const planned = CASES.filter(
  ({ strategy, given }) =>
    strategy.name === 'notrack' && given.blockers.length === 0 && Object.keys(given.files).length > 0,
)

describe.each(planned)('$path', given => {
  const { facts, strategy } = given
  const { options } = given.given
  const first = planOf(given, options, facts)
  const after = done(facts, first)

  it('finds nothing to do once it is done', () => {
    expect(first.blockers).toEqual([])
    const task = { steps: [{ strategy, options }], force: false }
    for (const again of [planOf(given, options, after), makePlan('h', settledTask(first, task), after, LOCAL)]) {
      expect(again.blockers).toEqual([])
      expect(again.changes).toEqual([])
    }
  })

  it('leaves the rules of others as they are', () => {
    if (!facts.ruleset || !after.ruleset) throw new TypeError('no rules')
    const [was, is] = [facts.ruleset, stripOwn(after.ruleset)]
    const known = new Set(was.sources.map(({ backend, family, format }) => `${backend} ${family} ${format}`))
    for (const source of is.sources) {
      const same = was.sources.find(
        ({ backend, family, format }) =>
          backend === source.backend && family === source.family && format === source.format,
      )
      if (source.format === 'json') expect(JSON.parse(source.text)).toEqual(JSON.parse(same?.text ?? '{"nftables":[]}'))
      else expect(byTable(source.text.split('\n'))).toEqual(byTable((same?.text ?? '').split('\n')))
    }
    expect(known.size).toBeLessThanOrEqual(is.sources.length)
  })

  it('comes to the same by way of other options', () => {
    const wanted = schema.parse(options)
    const more = settledOptions({ ...wanted, tcp: [...wanted.tcp, { from: 7, to: 7 }], udp: [{ from: 9, to: 19 }] })
    const wider = done(facts, planOf(given, more, facts))
    // Of everything a closed port is no part that could be told.
    if (!wanted.all) expect(wider.ruleset).not.toEqual(after.ruleset)
    const back = planOf(given, options, wider)
    expect(stateOf(done(wider, back))).toEqual(stateOf(after))
  })
})

describe('rules that are there already', () => {
  const web = CASES.find(({ path }) => path.endsWith('notrack/debian-legacy.yaml'))
  if (!web) throw new Error('no such case')
  const { facts, given } = web
  const after = done(facts, planOf(web, given.options, facts))

  it('leave the family that is not asked for any more', () => {
    const one = planOf(web, { tcp: [80, 443], families: [4] }, after)
    expect(one.blockers).toEqual([])
    const { ruleset, files } = done(after, one)
    const texts = ruleset?.sources.map(({ family, text }) => [family, text.includes('CTFIX-')])
    expect(texts).toEqual([
      [4, true],
      [6, false],
    ])
    const saved = files.flatMap(({ path, state }) =>
      path.startsWith('/etc/iptables/rules.v') ? [[path, state?.content]] : [],
    )
    expect(saved).toEqual([
      ['/etc/iptables/rules.v4', expect.stringContaining('CTFIX-IN')],
      ['/etc/iptables/rules.v6', ''],
    ])
  })

  it('are in the wrong place when rules about states have come before the jump to them, which is said', () => {
    if (!after.ruleset) throw new TypeError('no rules')
    const late = '-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -i lo'
    const sources = after.ruleset.sources.map(source => ({
      ...source,
      text: source.text.replace('-A INPUT -i lo', late),
    }))
    const plan = planOf(web, given.options, { ...after, ruleset: { sources, complete: true } })
    expect(plan.blockers).toMatchObject([{ code: 'jump-misplaced', forceable: false }])
    expect(plan.blockers[0]?.message).toContain('rule 3 of INPUT (iptables-legacy ip filter CTFIX-IN)')
  })

  it('stay where others have put rules that ask for no state before them', () => {
    if (!after.ruleset) throw new TypeError('no rules')
    const banned = '-A INPUT -s 203.0.113.9/32 -j DROP\n-A INPUT -i lo'
    const sources = after.ruleset.sources.map(source => ({
      ...source,
      text: source.text.replace('-A INPUT -i lo', banned),
    }))
    const plan = planOf(web, given.options, { ...after, ruleset: { sources, complete: true } })
    expect(plan).toMatchObject({ blockers: [], changes: [] })
  })
})
