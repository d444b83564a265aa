/** untrigger: names, saved files, what is proven stray, and what shows that tracking is over. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, RulesetText } from '../../../src/facts/facts.ts'
import { type Packet, walk } from '../../../src/firewall/packet.ts'
import { readRuleset } from '../../../src/firewall/read.ts'
import { triggersOf } from '../../../src/firewall/triggers.ts'
import { applyToFacts } from '../../../src/plan/plan.ts'
import type { Draft } from '../../../src/strategy/strategy.ts'
import { readName } from '../../../src/strategy/untrigger/names.ts'
import { saysRule, withoutSaved, withoutWritten } from '../../../src/strategy/untrigger/saved.ts'
import { untrigger } from '../../../src/strategy/untrigger/untrigger.ts'
import { file, makeFacts } from '../../support/facts.ts'
import { nft, rulesetOf, source } from '../firewall/samples.ts'
import { NO_TRACKING } from './cases.ts'

const MASQUERADE = 'iptables-legacy ip nat POSTROUTING -o eth9 -j MASQUERADE'

function factsWith(ruleset: RulesetText, parts: Partial<Facts> = {}): Facts {
  return makeFacts({ ruleset, tracking: NO_TRACKING, ipv6: false, ...parts })
}

function planOf(options: unknown, facts: Facts): Draft {
  return untrigger.configure(options)(facts)
}

describe('names', () => {
  it.each([
    MASQUERADE,
    `${MASQUERADE} #3`,
    'iptables-nft ip6 filter INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'nft inet filter input ct state established accept',
    'nft ip nat postrouting oifname "eth9" masquerade',
  ])('%s is one', text => {
    expect(untrigger.options.parse({ rules: text })).toMatchObject({ rules: [{ text }] })
  })

  it.each([
    '',
    'MASQUERADE',
    'iptables ip nat POSTROUTING -o eth9 -j MASQUERADE',
    'iptables-legacy ip4 nat POSTROUTING -o eth9 -j MASQUERADE',
    'iptables-legacy ip nat POSTROUTING',
    'iptables-legacy ip filter INPUT -p tcp -m tcp --dport 22 -j DROP',
    'iptables-legacy ip raw PREROUTING -j CT --notrack',
    'nft inet filter input',
    'nft inet filter input tcp dport 22 accept',
    'nft bridge filter input ct state new accept',
    `${MASQUERADE},nft inet filter input ct state new accept`,
  ])('"%s" is none, and is said with what one looks like', text => {
    const result = untrigger.options.safeParse({ rules: [MASQUERADE, text] }, { reportInput: true })
    expect(result.success).toBe(false)
    expect(result.error?.issues[0]).toMatchObject({
      path: ['rules', 1],
      input: text,
      message: expect.stringContaining('expected a rule that asks for tracking'),
    })
  })

  it('every trigger that can be taken out has a name that finds it', () => {
    for (const { name, rule } of triggersOf(rulesetOf(nft('inet-filter'), nft('firewalld')))) {
      if (rule) expect(readName(name)?.text).toBe(name)
    }
  })

  it('other spellings of a rule mean the same one', () => {
    const live = rulesetOf(
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1/32 -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT\nCOMMIT\n',
    )
    const name = 'iptables-legacy ip filter INPUT -s 10.0.0.1 -p tcp --dport 22 -m state --state NEW -j ACCEPT'
    expect(planOf({ rules: name }, factsWith(live)).changes).toHaveLength(1)
  })
})

describe('saved files', () => {
  const named = (text: string): NonNullable<ReturnType<typeof readName>>[] =>
    [readName(text)].flatMap(name => name ?? [])
  const SAVE = `# Generated\n*nat\n:POSTROUTING ACCEPT [0:0]\n[1:60] -A POSTROUTING -o eth9 -j MASQUERADE\n-A POSTROUTING -o eth8 -j MASQUERADE\nCOMMIT\n\n# end`

  it('of iptables lose that line and nothing else', () => {
    expect(withoutSaved(SAVE, 4, named(MASQUERADE))).toBe(
      SAVE.replace('[1:60] -A POSTROUTING -o eth9 -j MASQUERADE\n', ''),
    )
    expect(withoutSaved(SAVE, 6, named(MASQUERADE))).toBe(SAVE)
    expect(withoutSaved(SAVE, 4, named(MASQUERADE.replace('nat', 'mangle')))).toBe(SAVE)
    expect(withoutSaved(SAVE, 4, named(`${MASQUERADE} #2`))).toBe(SAVE)
  })

  it('of nft lose a line that is the rule, in its own chain or as a command', () => {
    const conf = [
      'table inet filter { # mine',
      '\tchain input {',
      '\t\ttype filter hook input priority 0; policy drop;',
      '\t\tct state { related,established } accept;',
      '\t\tct state established,related counter log accept',
      '\t\ttcp dport {',
      '\t\t\t22, 80 } accept',
      '\t}',
      '\tchain forward {',
      '\t\tct state established,related accept',
      '\t}',
      '}',
      'add rule inet filter input ct state established,related accept',
      '',
    ]
    const without = withoutWritten(conf.join('\n'), named('nft inet filter input ct state established,related accept'))
    expect(without.split('\n')).toEqual(conf.filter((_, at) => at !== 3 && at !== 12))
  })

  it.each([
    ['iptables -t nat -A POSTROUTING -o eth9 -j MASQUERADE', true],
    ['/usr/sbin/iptables -w -A POSTROUTING -t nat -o eth9 -j MASQUERADE', true],
    ['-A POSTROUTING -o eth9 -j MASQUERADE', true],
    ['[0:0] -A POSTROUTING -o eth9 -j MASQUERADE', true],
    ['iptables --table nat --append POSTROUTING --jump MASQUERADE --out-interface eth9', true],
    ['iptables -t mangle -A POSTROUTING -o eth9 -j MASQUERADE', false],
    ['ip6tables -t nat -A POSTROUTING -o eth9 -j MASQUERADE', false],
    ['iptables -t nat -A POSTROUTING -o eth8 -j MASQUERADE', false],
    ['iptables -t nat -D POSTROUTING -o eth9 -j MASQUERADE', false],
  ])('%s says the rule: %s', (text, says) => {
    for (const name of named(MASQUERADE)) expect(saysRule(text, name)).toBe(says)
  })
})

describe('evidence', () => {
  const LIVE = rulesetOf('*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth9 -j MASQUERADE\nCOMMIT\n')
  const path = { clientAddress: '192.0.2.9', clientPort: 50_000, serverAddress: '192.0.2.1', serverPort: 22 }
  const statuses = (facts: Facts, options: unknown = { rules: MASQUERADE }): Record<string, string> =>
    Object.fromEntries((planOf(options, facts).evidence ?? []).map(({ name, status }) => [name, status]))
  const watched = (count: number): Partial<Facts> => {
    const earlier = { stats: null, log: null, secondsBefore: 10, count: 1000 }
    return { count, earlier }
  }
  const own = (ownConnection: 'tracked' | 'untracked' | null): Partial<Facts> => ({
    tracking: { ...NO_TRACKING, ownConnection },
    managementPath: path,
  })

  it('fails while the rule is there, and passes once no rule asks', () => {
    expect(statuses(factsWith(LIVE))).toMatchObject({ 'no-trigger-left': 'fail' })
    expect(statuses(factsWith(rulesetOf()))).toEqual({
      'no-trigger-left': 'pass',
      'own-connection-untracked': 'unknown',
      'no-new-entries': 'unknown',
    })
  })

  it('is unknown while rules ask and nobody has named one, with the way to name them', () => {
    expect(planOf({}, factsWith(rulesetOf())).evidence ?? []).toEqual([])
    expect(planOf({}, factsWith(LIVE)).evidence).toEqual([
      {
        ...{ name: 'no-trigger-left', status: 'unknown', when: 'always' },
        detail: expect.stringMatching(/1 live rule asks for tracking; say --set stray=true, or name them/),
      },
    ])
  })

  it('does not fail for rules that were not to go: the plan has said that they stay', () => {
    const others = rulesetOf('*filter\n:INPUT DROP [0:0]\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n')
    const facts = factsWith(others, { ...own('tracked'), ...watched(2000) })
    const all = (planOf({ rules: MASQUERADE }, facts).evidence ?? []).map(({ status, detail }) => ({ status, detail }))
    const detail = expect.stringContaining(
      'IPv4 stays tracked by a rule that was not to go: iptables-legacy ip filter INPUT -m state --state ESTABLISHED',
    )
    expect(all).toEqual([
      { status: 'pass', detail },
      { status: 'pass', detail },
      { status: 'pass', detail },
    ])
    expect(statuses(factsWith(others, own(null)))).toEqual({
      'no-trigger-left': 'pass',
      'own-connection-untracked': 'unknown',
      'no-new-entries': 'unknown',
    })
  })

  it('says nothing by a connection of a family that was not to change', () => {
    const six = { managementPath: { ...path, clientAddress: '2001:db8::9', serverAddress: '2001:db8::1' } }
    const both = { rules: ['nft inet filter input ct state established accept'] }
    for (const seen of ['tracked', 'untracked'] as const) {
      expect(statuses(factsWith(rulesetOf(), { ...own(seen), ...six }))).toMatchObject({
        'own-connection-untracked': 'unknown',
      })
    }
    expect(statuses(factsWith(rulesetOf(), { ...own('untracked'), ...six }), both)).toMatchObject({
      'own-connection-untracked': 'pass',
    })
  })

  it.each([
    { managers: ['openvswitch'] },
    { modules: [{ name: 'act_ct', refs: 1, users: [] }] },
  ] satisfies Partial<Facts>[])('cannot be had by counting where something asks without a rule: %j', askers => {
    for (const count of [990, 2000]) {
      const facts = factsWith(rulesetOf(), { ...own('tracked'), ...watched(count), ...askers })
      expect(statuses(facts)).toMatchObject({ 'own-connection-untracked': 'unknown', 'no-new-entries': 'unknown' })
    }
  })

  it('is our own connection, and the count of entries over a window', () => {
    const none = rulesetOf()
    expect(statuses(factsWith(none, own('untracked')))).toMatchObject({ 'own-connection-untracked': 'pass' })
    expect(statuses(factsWith(none, own('tracked')))).toMatchObject({ 'own-connection-untracked': 'fail' })
    expect(statuses(factsWith(none, watched(990)))).toMatchObject({ 'no-new-entries': 'pass' })
    expect(statuses(factsWith(none, watched(1001)))).toMatchObject({ 'no-new-entries': 'fail' })
  })
})

const TRIGGERS = [
  '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-m state --state NEW -j ACCEPT',
  '-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
  '-m conntrack --ctstate INVALID -j DROP',
  '-m conntrack --ctstate NEW -j two',
  '-j CONNMARK --restore-mark',
]
const OTHERS = [
  '-p tcp -m tcp --dport 22 -j ACCEPT',
  '-p tcp -m tcp --dport 80 -j DROP',
  '-s 10.0.0.0/8 -j DROP',
  '-j ACCEPT',
  '-j DROP',
  '-j RETURN',
  '-j one',
  '-p tcp -m tcp --dport 80 -j two',
  '-g two',
]
const someRule = fc.constantFrom(...TRIGGERS, ...TRIGGERS, ...OTHERS)
const someChains = fc.record({
  policy: fc.constantFrom('ACCEPT', 'DROP'),
  INPUT: fc.array(someRule, { maxLength: 6 }),
  // Without loops, which the kernel would refuse.
  one: fc.array(
    someRule.filter(rule => !/-[jg] (one|two)$/.test(rule)),
    { maxLength: 3 },
  ),
  two: fc.array(
    someRule.filter(rule => !/-[jg] (one|two)$/.test(rule)),
    { maxLength: 3 },
  ),
})

function saveOf({ policy, ...chains }: { policy: string; INPUT: string[]; one: string[]; two: string[] }): string {
  const lines = Object.entries(chains).flatMap(([chain, rules]) => rules.map(rule => `-A ${chain} ${rule}`))
  return ['*filter', `:INPUT ${policy} [0:0]`, ':one - [0:0]', ':two - [0:0]', ...lines, 'COMMIT', ''].join('\n')
}

const linesOf = ({ ruleset }: Facts): string[] => ruleset?.sources[0]?.text.split('\n') ?? []

describe('random rules', () => {
  it('lose all that are named, live and saved, and nothing else', () => {
    fc.assert(
      fc.property(someChains, fc.array(fc.nat(20), { maxLength: 6 }), (chains, picks) => {
        const text = saveOf(chains)
        const facts = factsWith(rulesetOf(source(text)), {
          files: [file('/etc/iptables/rules.v4', text)],
          directories: ['/etc/iptables'],
        })
        const names = triggersOf(rulesetOf(text)).map(({ name }) => name.replace(/ #\d+$/, ''))
        const rules = picks.flatMap(pick => names[pick] ?? [])
        const { changes, blockers } = planOf({ rules }, facts)
        expect(blockers).toEqual([])
        const after = applyToFacts(facts, changes)
        const taken = new Set(rules.map(name => `-A ${name.split(' ').slice(3).join(' ')}`))
        const wanted = text.split('\n').filter(line => !taken.has(line))
        expect(linesOf(after)).toEqual(wanted)
        expect(after.files.find(({ path }) => path.endsWith('rules.v4'))?.state?.content).toBe(wanted.join('\n'))
        const left = after.ruleset ? triggersOf(after.ruleset).map(({ name }) => name.replace(/ #\d+$/, '')) : []
        expect(left).toEqual(names.filter(name => !rules.includes(name)))
      }),
    )
  })

  const about = { family: 4, protocol: 'tcp', direction: 'in', sourcePort: null } as const
  const packets: readonly Packet[] = [22, 80, 443].flatMap(destinationPort =>
    (['new', 'established', 'invalid', 'untracked'] as const).flatMap(state =>
      ['10.0.0.7', '203.0.113.9'].map(
        (sender): Packet => ({
          ...{ ...about, destinationPort, state, source: sender, destination: '192.0.2.1' },
          tcpFlags: state === 'new' ? 'syn' : 'other',
        }),
      ),
    ),
  )

  it('let the same packets in without the stray ones, and then none is stray', () => {
    fc.assert(
      fc.property(someChains, chains => {
        const facts = factsWith(rulesetOf(source(saveOf(chains))))
        const after = applyToFacts(facts, planOf({ stray: true }, facts).changes)
        expect(planOf({ stray: true }, after).changes).toEqual([])
        if (!facts.ruleset || !after.ruleset) throw new TypeError('no rules')
        const [now, then] = [readRuleset(facts.ruleset), readRuleset(after.ruleset)]
        for (const packet of packets) expect(walk(then, packet).is).toBe(walk(now, packet).is)
      }),
    )
  })
})
