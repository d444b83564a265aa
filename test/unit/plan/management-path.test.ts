import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Change } from '../../../src/change/change.ts'
import type { Facts, RulesetText } from '../../../src/facts/facts.ts'
import { positionOf, type RuleState, ruleTarget } from '../../../src/firewall/rule-state.ts'
import { splitWords } from '../../../src/firewall/words.ts'
import type { Flow } from '../../../src/plan/management-path.ts'
import { applyToFacts, makePlan } from '../../../src/plan/plan.ts'
import { defineStrategy } from '../../../src/strategy/strategy.ts'
import { makeFacts } from '../../support/facts.ts'
import { CONTAINERS, DEBIAN, filter, nft, raw, rulesetOf, source, UFW } from '../firewall/samples.ts'

const PATH = { clientAddress: '198.51.100.7', clientPort: 50022, serverAddress: '192.0.2.5', serverPort: 22 }
const PATH6 = { ...PATH, clientAddress: '2001:db8::7', serverAddress: '2001:db8::5' }

function rule(line: string, parts: Partial<RuleState> = {}): RuleState {
  const [chain = '', ...spec] = splitWords(line)
  const table = chain === 'PREROUTING' || (chain === 'OUTPUT' && line.includes('CT')) ? 'raw' : 'filter'
  return { backend: 'iptables-legacy', family: 4, table, chain, position: 1, spec, ...parts }
}

const change = (state: RuleState) => ({ kind: 'rule', layer: 'runtime', target: ruleTarget(state), why: 'w' }) as const
const add = (...args: Parameters<typeof rule>): Change => ({
  ...change(rule(...args)),
  before: null,
  after: rule(...args),
})
const take = (...args: Parameters<typeof rule>): Change => ({
  ...change(rule(...args)),
  before: rule(...args),
  after: null,
})
const NOTRACK = [
  add('PREROUTING -p tcp -m tcp --dport 22 -j CT --notrack'),
  add('OUTPUT -p tcp -m tcp --sport 22 -j CT --notrack'),
]

interface Setting {
  readonly ruleset: RulesetText | string | null
  readonly path?: Facts['managementPath']
  readonly flows?: readonly Flow[]
  readonly local?: boolean
  readonly force?: boolean
}

function blockersOf(
  changes: readonly Change[],
  { ruleset, path = PATH, flows = [], local = false, force = false }: Setting,
) {
  const strategy = defineStrategy({
    name: 'test',
    summary: 's',
    relief: 'later',
    options: z.object({}),
    plan: () => ({ changes, warnings: [], blockers: [], settled: {} }),
  })
  const facts = makeFacts({ managementPath: path, ruleset: typeof ruleset === 'string' ? rulesetOf(ruleset) : ruleset })
  return makePlan('h', { steps: [{ strategy, options: {} }], force, flows }, facts, { local }).blockers
}

const codes = (changes: readonly Change[], setting: Setting): string[] =>
  blockersOf(changes, setting).map(({ code }) => code)

describe('our own way in', () => {
  it('is no matter to a plan that changes no rule', () => {
    const value: Change = { kind: 'kernel-value', layer: 'runtime', target: 'a', before: '1', after: '2', why: 'w' }
    expect(codes([value], { ruleset: null })).toEqual([])
  })

  it('stays open where nothing is in the way', () => {
    expect(codes(NOTRACK, { ruleset: filter('ACCEPT') + raw() })).toEqual([])
    expect(codes(NOTRACK, { ruleset: filter('DROP', 'INPUT -p tcp -m tcp --dport 22 -j ACCEPT') })).toEqual([])
    expect(codes([add('INPUT -p tcp -m tcp --dport 23 -j DROP')], { ruleset: DEBIAN })).toEqual([])
  })

  it('is cut by a rule that drops it, and the rule is named', () => {
    expect(blockersOf([add('INPUT -p tcp -m tcp --dport 22 -j DROP')], { ruleset: DEBIAN })).toEqual([
      {
        code: 'cuts-off-management',
        message:
          'this very connection to port 22 would be dropped by "-A INPUT -p tcp -m tcp --dport 22 -j DROP" in chain INPUT of table ip filter (iptables-legacy)',
        forceable: false,
      },
    ])
    expect(codes([add('INPUT -s 198.51.100.0/24 -j REJECT')], { ruleset: DEBIAN, force: true })).toEqual([
      'cuts-off-management',
    ])
  })

  it('is cut when new connections are, even if this one goes on', () => {
    const [blocker] = blockersOf([take('INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT')], {
      ruleset: DEBIAN,
    })
    expect(blocker).toMatchObject({ code: 'cuts-off-management' })
    expect(blocker?.message).toContain('a new connection from here to port 22 would be dropped by "policy DROP"')
  })

  it('is cut by notrack where rules ask for a state: both directions, or one', () => {
    expect(codes(NOTRACK, { ruleset: DEBIAN })).toEqual(['cuts-off-management'])
    for (const one of NOTRACK) expect(codes([one], { ruleset: DEBIAN })).toEqual(['cuts-off-management'])
    const accept = add('INPUT -p tcp -m tcp --dport 22 -j ACCEPT')
    expect(codes([...NOTRACK, accept], { ruleset: DEBIAN })).toEqual([])
    const untracked = add('INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate UNTRACKED -j ACCEPT')
    expect(codes([...NOTRACK, untracked], { ruleset: DEBIAN })).toEqual([])
  })

  it('is cut by notrack on its way out', () => {
    const strict = filter('DROP', 'INPUT -j ACCEPT', 'OUTPUT -m state --state ESTABLISHED -j ACCEPT').replace(
      ':OUTPUT ACCEPT',
      ':OUTPUT DROP',
    )
    expect(codes([], { ruleset: strict })).toEqual([])
    expect(codes(NOTRACK, { ruleset: strict })).toEqual(['cuts-off-management'])
  })

  it('is judged in its own family, and by every backend', () => {
    expect(codes(NOTRACK, { ruleset: DEBIAN, path: PATH6 })).toEqual([])
    const both = rulesetOf(filter('ACCEPT'), source(DEBIAN, { backend: 'iptables-nft' }))
    expect(codes(NOTRACK, { ruleset: both })).toEqual(['cuts-off-management'])
    expect(codes(NOTRACK, { ruleset: rulesetOf(nft('firewalld')) })).toEqual([])
    const mapped = { ...PATH, clientAddress: '::ffff:198.51.100.7', serverAddress: '::ffff:192.0.2.5' }
    expect(codes(NOTRACK, { ruleset: DEBIAN, path: mapped })).toEqual(['cuts-off-management'])
  })

  it('is not said to be cut where it was dropped before', () => {
    const fenced = filter('DROP', 'INPUT -m state --state ESTABLISHED -j ACCEPT')
    expect(codes([add('INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j DROP')], { ruleset: fenced })).toEqual([])
  })

  it('is in doubt where the rules say that we cannot be here', () => {
    expect(codes(NOTRACK, { ruleset: filter('DROP') })).toEqual(['management-path-unknown'])
  })

  it('is not in doubt by a question that has the same answer before and after', () => {
    expect(codes([add('INPUT -p tcp -m tcp --dport 81 -j DROP')], { ruleset: UFW })).toEqual([])
    expect(codes([add('INPUT -p tcp -m tcp --dport 81 -j DROP')], { ruleset: CONTAINERS })).toEqual([])
    const listed = filter('ACCEPT', 'INPUT -m set --match-set bad src -j DROP')
    expect(codes(NOTRACK, { ruleset: listed })).toEqual([])
    // The limit on the port is asked of new connections; untracked ones are let in without.
    expect(codes(NOTRACK, { ruleset: UFW })).toEqual([])
  })

  it('is in doubt where the answer decides what the change makes of it', () => {
    const text = filter(
      'DROP',
      'INPUT -m set --match-set friends src -j ACCEPT',
      'INPUT -m state --state NEW,ESTABLISHED -j ACCEPT',
    )
    const [blocker, ...more] = blockersOf(NOTRACK, { ruleset: text })
    expect(more).toEqual([])
    expect(blocker).toEqual({
      code: 'management-path-unknown',
      message:
        'this very connection to port 22 may be dropped; it hangs on "-A INPUT -m set --match-set friends src -j ACCEPT" in chain INPUT of table ip filter (iptables-legacy)',
      forceable: true,
    })
    expect(codes(NOTRACK, { ruleset: text, force: true })).toEqual([])
  })

  it('is in doubt where rules, or the path, are not known', () => {
    expect(codes(NOTRACK, { ruleset: null })).toEqual(['management-path-unknown'])
    expect(codes(NOTRACK, { ruleset: DEBIAN, path: null })).toEqual(['management-path-unknown'])
    expect(codes(NOTRACK, { ruleset: { sources: [], complete: false } })).toEqual(['management-path-unknown'])
    expect(codes([take('INPUT -j ACCEPT')], { ruleset: DEBIAN })).toEqual(['management-path-unknown'])
    expect(codes(NOTRACK, { ruleset: DEBIAN, path: { ...PATH, serverAddress: 'nowhere' } })).toEqual([
      'management-path-unknown',
    ])
  })

  it('is none on this machine itself', () => {
    expect(codes(NOTRACK, { ruleset: null, path: null, local: true })).toEqual([])
    expect(codes(NOTRACK, { ruleset: DEBIAN, path: null, local: true })).toEqual([])
  })
})

describe('a service', () => {
  const web = [
    add('PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack'),
    add('OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack'),
  ]
  const flows = [{ protocol: 'tcp', port: 80 }] as const

  it('is cut where new connections to it are dropped, and that may be forced', () => {
    const [blocker] = blockersOf(web, { ruleset: DEBIAN, flows })
    expect(blocker).toEqual({
      code: 'cuts-off-service',
      message:
        'new IPv4 connections to tcp port 80 would be dropped by "policy DROP" in chain INPUT of table ip filter (iptables-legacy)',
      forceable: true,
    })
    expect(codes(web, { ruleset: DEBIAN, flows, force: true })).toEqual([])
    expect(codes(web, { ruleset: DEBIAN })).toEqual([])
    expect(codes(web, { ruleset: DEBIAN, flows: [{ protocol: 'udp', port: 80 }] })).toEqual([])
  })

  it('is cut for some clients too', () => {
    const text = filter(
      'DROP',
      'INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      'INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ACCEPT',
      'INPUT -p tcp -m tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT',
    )
    expect(blockersOf(web, { ruleset: text, flows }).map(({ message }) => message.slice(0, 40))).toEqual([
      'some new IPv4 connections to tcp port 80',
    ])
  })

  it('is cut in the other family', () => {
    const six = web.map(one => {
      if (one.kind !== 'rule' || !one.after) throw new Error('no rule')
      return { ...one, after: { ...one.after, family: 6 } } as const
    })
    const ruleset = rulesetOf(source(DEBIAN, { family: 6 }))
    expect(codes(six, { ruleset, flows })).toEqual(['cuts-off-service'])
    expect(codes(web, { ruleset, flows })).toEqual([])
  })

  it('over UDP needs its answer to come out', () => {
    const dns = [add('PREROUTING -p udp -m udp --dport 53 -j CT --notrack')]
    const text = filter(
      'ACCEPT',
      'OUTPUT -m state --state INVALID -j DROP',
      'OUTPUT -m state ! --state ESTABLISHED -j DROP',
    )
    expect(codes(dns, { ruleset: text, flows: [{ protocol: 'udp', port: 53 }], local: true })).toEqual([
      'cuts-off-service',
    ])
  })
})

describe('facts after a change of rules and modules', () => {
  it('have the rule where it goes, and are as before when it is taken back', () => {
    const wanted = rule('INPUT -p tcp -m tcp --dport 80 -j ACCEPT', { position: 3 })
    const before = makeFacts({ ruleset: rulesetOf(DEBIAN) })
    const after = applyToFacts(before, [{ ...change(wanted), before: null, after: wanted }])
    expect(after.ruleset && positionOf(after.ruleset, wanted)).toBe(3)
    expect(applyToFacts(after, [{ ...change(wanted), before: wanted, after: null }]).ruleset).toEqual(before.ruleset)
    expect(applyToFacts(makeFacts(), [{ ...change(wanted), before: null, after: wanted }]).ruleset).toBeNull()
  })

  it('have the module, or not', () => {
    const about = { kind: 'module', layer: 'runtime', target: 'xt-CT', why: 'w' } as const
    const loaded = applyToFacts(makeFacts(), [{ ...about, before: null, after: 'loaded' }])
    expect(loaded.modules?.map(({ name }) => name)).toEqual(['nf_conntrack', 'xt_CT'])
    expect(applyToFacts(loaded, [{ ...about, before: 'loaded', after: null }]).modules).toEqual(makeFacts().modules)
    const without = applyToFacts(makeFacts(), [{ ...about, target: 'xt_conntrack', before: 'loaded', after: null }])
    expect(without.modules).toEqual([{ name: 'nf_conntrack', refs: 1, users: [] }])
  })
})
