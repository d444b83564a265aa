/** What only files say: the next boot brings tracking back with it, and no plan or look may miss that. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { applyToFacts, makePlan, type Plan, settledTask } from '../../../src/plan/plan.ts'
import { type Check, judge } from '../../../src/run/checks.ts'
import { untrigger } from '../../../src/strategy/untrigger/untrigger.ts'
import { file, makeFacts } from '../../support/facts.ts'
import { rulesetOf, source } from '../firewall/samples.ts'
import { NO_TRACKING } from './cases.ts'

const PATH = '/etc/iptables/rules.v4'
const save = (...rules: readonly string[]): string =>
  ['*nat', ':POSTROUTING ACCEPT [0:0]', ...rules.map(rule => `-A POSTROUTING ${rule}`), 'COMMIT', ''].join('\n')
const OLD = '-o eth9 -j MASQUERADE'
const NEEDED = '-o eth0 -j MASQUERADE'

/** `enabled`: whether boot starts the service that loads the file; null: nobody knows of one. */
function factsOf(live: readonly string[], saved: readonly string[], enabled: boolean | null = true): Facts {
  const services = enabled === null ? [] : [{ name: 'netfilter-persistent', running: false, enabled }]
  return makeFacts({
    ...{ ruleset: rulesetOf(source(save(...live))), ipv6: false, count: 0, providedBy: 'builtin' },
    ...{ files: [file(PATH, save(...saved))], directories: ['/etc/iptables'] },
    tracking: { ...NO_TRACKING, services, savedSeen: [PATH] },
  })
}

const taskOf = (options: Readonly<Record<string, unknown>>, force = false) => ({
  ...{ steps: [{ strategy: untrigger, options }], force },
})
const planOf = (options: Readonly<Record<string, unknown>>, facts: Facts): Plan =>
  makePlan('h', taskOf(options), facts, { local: true })
const checkOf = (name: string, facts: Facts, plan: Plan): Check | undefined =>
  judge(facts, plan, { files: true }).find(check => check.name === name)

describe('a line that is not live', () => {
  it.each([
    [true, 'fail'],
    [null, 'unknown'],
    [false, 'pass'],
  ] as const)('with a service that boot starts: %s, of a reboot: %s', (enabled, status) => {
    const facts = factsOf([], [NEEDED], enabled)
    const check = checkOf('survives-reboot', facts, planOf({ stray: true }, facts))
    expect(check).toMatchObject({ status })
    if (status !== 'pass') expect(check?.detail).toContain(`${PATH}:3 says "-A POSTROUTING ${NEEDED}"`)
  })

  it('and is stray in its file leaves that file, after which nothing is left to do and boot brings nothing', () => {
    const facts = factsOf([], [OLD])
    const first = planOf({ stray: true }, facts)
    expect(first.blockers).toEqual([])
    expect(first.changes).toMatchObject([{ kind: 'file', target: PATH, after: { content: save() } }])
    const after = applyToFacts(facts, first.changes)
    for (const again of [planOf({ stray: true }, after), makePlan('h', settledTask(first, taskOf({})), after)]) {
      expect(again.changes).toEqual([])
      expect(checkOf('survives-reboot', after, again)).toMatchObject({ status: 'pass' })
    }
  })

  it('of another kind than the rule that is named is in the way as well, unless other rules go on asking', () => {
    const NAME = `iptables-legacy ip nat POSTROUTING ${OLD}`
    const mark = '-j CONNMARK --save-mark'
    const alone = planOf({ rules: NAME }, factsOf([OLD], [OLD, mark]))
    expect(alone.blockers).toMatchObject([
      { code: 'saved-elsewhere', forceable: true, message: expect.stringContaining(`${PATH}:4 says`) },
    ])
    const beside = planOf({ rules: NAME }, factsOf([OLD, NEEDED], [OLD, NEEDED, mark]))
    expect(beside.blockers).toEqual([])
    expect(beside.warnings).toEqual([
      expect.stringMatching(/^tracking does not end, IPv4 stays tracked: one rule still asks for it: .* -o eth0 /),
      expect.stringContaining(`${PATH}:5 says`),
    ])
  })

  it('is no other rule than the live one that says it in other words', () => {
    const facts = factsOf(['-s 10.0.0.1/32 -o eth0 -j MASQUERADE'], ['--out-interface eth0 -s 10.0.0.1 -j MASQUERADE'])
    expect(planOf({}, facts).warnings.filter(warning => warning.includes(PATH))).toEqual([])
  })

  it('is counted where nobody has named a rule', () => {
    const facts = factsOf([], [OLD, NEEDED])
    const plan = planOf({}, facts)
    expect(plan.warnings).toHaveLength(2)
    expect(checkOf('no-trigger-left', facts, plan)).toMatchObject({
      ...{ status: 'unknown', detail: expect.stringContaining('2 lines of files ask for tracking') },
    })
  })
})

it('where nothing is stray that is what is settled, so that a later look is asked the same', () => {
  const facts = factsOf([NEEDED], [NEEDED])
  const plan = planOf({ stray: true }, facts)
  expect(plan.steps).toMatchObject([{ options: { rules: [], stray: true } }])
  expect(checkOf('no-trigger-left', facts, plan)).toMatchObject({ status: 'pass' })
})
