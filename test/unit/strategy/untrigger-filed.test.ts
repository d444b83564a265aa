/** What boot will load is another rule set than what is live: a rule that does nothing now may be the one that lets us in. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, RulesetSource } from '../../../src/facts/facts.ts'
import { nftText } from '../../../src/firewall/nft-text.ts'
import { type Packet, walk } from '../../../src/firewall/packet.ts'
import { readRuleset } from '../../../src/firewall/read.ts'
import { makePlan, type Plan } from '../../../src/plan/plan.ts'
import { notrack } from '../../../src/strategy/notrack/notrack.ts'
import { filedRuleset } from '../../../src/strategy/untrigger/filed.ts'
import { untrigger } from '../../../src/strategy/untrigger/untrigger.ts'
import { file, makeFacts } from '../../support/facts.ts'
import { rulesetOf, source } from '../firewall/samples.ts'
import { NO_TRACKING } from './cases.ts'

const PATH = { clientAddress: '198.51.100.7', clientPort: 50_022, serverAddress: '192.0.2.5', serverPort: 22 }

function planOf(
  options: Readonly<Record<string, unknown>>,
  live: RulesetSource,
  path: string,
  text: string,
  more: Partial<Facts> = {},
): Plan {
  const facts = makeFacts({
    ...{ ruleset: rulesetOf(live), tracking: NO_TRACKING, ipv6: false, count: 0, managementPath: PATH },
    ...{ files: [file(path, text)], directories: ['/etc/iptables'], ...more },
  })
  return makePlan('h', { steps: [{ strategy: untrigger, options }], force: true }, facts)
}

const contentAfter = ({ changes }: Plan, before: string): string =>
  changes.flatMap(change => (change.kind === 'file' ? [change.after?.content ?? ''] : []))[0] ?? before

const about = { family: 4, protocol: 'tcp', direction: 'in', sourcePort: null, destination: '192.0.2.5' } as const
const PACKETS: readonly Packet[] = [22, 80, 443].flatMap(destinationPort =>
  (['new', 'established', 'invalid', 'untracked'] as const).flatMap(state =>
    ['10.0.0.7', '198.51.100.7'].map((sender): Packet => {
      return { ...about, destinationPort, state, source: sender, tcpFlags: state === 'new' ? 'syn' : 'other' }
    }),
  ),
)

describe('a save with another policy, or with other rules, than what is live', () => {
  const RULES = [
    '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
    '-m conntrack --ctstate INVALID -j DROP',
    '-m state --state NEW -j one',
    '-p tcp -m tcp --dport 80 -j ACCEPT',
    '-s 10.0.0.0/8 -j DROP',
    '-j one',
    '-j DROP',
    '-j ACCEPT',
  ]
  const policy = fc.constantFrom('ACCEPT', 'DROP')
  const some = fc.subarray(RULES, { minLength: 1 })
  const inner = fc.subarray(RULES.filter(rule => !rule.endsWith(' one')))
  const save = (to: string, rules: readonly string[], one: readonly string[]): string =>
    [
      '*filter',
      `:INPUT ${to} [0:0]`,
      ':one - [0:0]',
      ...rules.map(rule => `-A INPUT ${rule}`),
      ...one.map(rule => `-A one ${rule}`),
      'COMMIT',
      '',
    ].join('\n')

  it('lets the same packets in without what is stray now', () => {
    fc.assert(
      fc.property(fc.tuple(policy, some, inner), fc.tuple(policy, some, inner), (now, then) => {
        const text = save(...then)
        const plan = planOf({ stray: true }, source(save(...now)), '/etc/iptables/rules.v4', text)
        const after = contentAfter(plan, text)
        const [before, later] = [text, after].map(one => filedRuleset('/etc/iptables/rules.v4', one, null))
        if (!before || !later) throw new TypeError('no rules')
        for (const packet of PACKETS) expect(walk(later, packet).is).toBe(walk(before, packet).is)
      }),
    )
  })

  const NAME = 'iptables-legacy ip filter INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT'
  const OURS = RULES.slice(0, 2)

  it('is never edited so that we are shut out once boot has loaded it, whoever insists', () => {
    const live = source(save('ACCEPT', OURS, []))
    const plan = planOf({ rules: NAME }, live, '/etc/iptables/rules.v4', save('DROP', OURS, []))
    expect(plan.blockers).toEqual([
      {
        code: 'cuts-off-management',
        message:
          'a new connection from here to port 22 would be dropped by "policy DROP" in chain INPUT of table ip filter (iptables-legacy), once boot has loaded /etc/iptables/rules.v4',
        forceable: false,
      },
    ])
    expect(planOf({ rules: NAME }, live, '/etc/iptables/rules.v4', save('ACCEPT', OURS, [])).blockers).toEqual([])
    expect(planOf({ rules: NAME }, live, '/etc/iptables/rules.v6', save('DROP', OURS, [])).blockers).toEqual([])
  })

  it('is not edited for what is stray where not every rule of it is understood', () => {
    const live = source(save('ACCEPT', OURS, []))
    for (const odd of ['-I INPUT 1 -p tcp -j DROP', ' -A INPUT -j DROP', '--append INPUT -j DROP']) {
      const text = save('ACCEPT', [], []).replace(
        'COMMIT',
        `${OURS.map(rule => `-A INPUT ${rule}`).join('\n')}\n${odd}\nCOMMIT`,
      )
      const { changes, warnings } = planOf({ stray: true }, live, '/etc/iptables/rules.v4', text)
      expect(changes).toEqual([])
      expect(warnings.filter(warning => warning.startsWith('left: '))).toHaveLength(2)
    }
  })
})

describe('a file of nft with another policy, or with other rules, than what is live', () => {
  const port = (right: unknown): object => ({
    match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right },
  })
  const state = (right: unknown): object => ({ match: { op: 'in', left: { ct: { key: 'state' } }, right } })
  const RULES: readonly (readonly object[])[] = [
    [state(['established', 'related']), { accept: null }],
    [port(22), state('new'), { accept: null }],
    [state('invalid'), { drop: null }],
    [port({ set: [80, 443] }), { accept: null }],
    [{ jump: { target: 'one' } }],
    [{ drop: null }],
    [{ accept: null }],
  ]
  const chain = (name: string, more: object = {}): object => ({ chain: { family: 'inet', table: 'f', name, ...more } })
  const rulesOf = (name: string, rules: readonly (readonly object[])[]): object[] =>
    rules.map(expr => ({ rule: { family: 'inet', table: 'f', chain: name, expr } }))
  type Chains = readonly [policy: string, input: readonly (readonly object[])[], one: readonly (readonly object[])[]]
  const json = ([policy, input, one]: Chains): RulesetSource => {
    const base = { type: 'filter', hook: 'input', prio: 0, policy }
    const nftables = [
      { table: { family: 'inet', name: 'f' } },
      chain('input', base),
      chain('one'),
      ...rulesOf('input', input),
      ...rulesOf('one', one),
    ]
    return source(JSON.stringify({ nftables }), { backend: 'nft', family: null, format: 'json' })
  }
  const written = ([policy, input, one]: Chains): string =>
    [
      'table inet f {',
      ' chain input {',
      `  type filter hook input priority 0; policy ${policy};`,
      ...input.map(expr => `  ${nftText(expr)}`),
      ' }',
      ' chain one {',
      ...one.map(expr => `  ${nftText(expr)}`),
      ' }',
      '}',
      '',
    ].join('\n')
  /** The rules that a file still has, as what they were written from. */
  const kept = ([policy, ...chains]: Chains, text: string): Chains => {
    const [, input = '', one = ''] = text.split(' chain ')
    const [first = [], second = []] = [input, one].map((part, i) => {
      const lines = part.split('\n').map(line => line.trim())
      return (chains[i] ?? []).filter(expr => lines.includes(nftText(expr) ?? ''))
    })
    return [policy, first, second]
  }
  const policy = fc.constantFrom('accept', 'drop')
  const inner = fc.subarray(RULES.filter(expr => !('jump' in (expr[0] ?? {}))))
  const some = fc.tuple(policy, fc.subarray([...RULES]), inner)

  it('lets the same packets in without what is stray now', () => {
    fc.assert(
      fc.property(some, some, (now, then) => {
        const text = written(then)
        const plan = planOf({ stray: true }, json(now), '/etc/nftables.conf', text)
        const [before, later] = [then, kept(then, contentAfter(plan, text))].map(one =>
          readRuleset(rulesetOf(json(one))),
        )
        if (!before || !later) throw new TypeError('no rules')
        for (const packet of PACKETS) expect(walk(later, packet).is).toBe(walk(before, packet).is)
      }),
    )
  })

  const NAME = 'nft inet f input tcp dport 22 ct state new accept'
  const OURS = RULES.slice(0, 2)

  it('is never edited so that we are shut out once boot has loaded it, also by rules that only the file has', () => {
    const plan = planOf({ rules: NAME }, json(['accept', OURS, []]), '/etc/nftables.conf', written(['drop', OURS, []]))
    expect(plan.blockers).toMatchObject([
      { code: 'cuts-off-management', message: expect.stringContaining('"policy DROP" in chain input') },
    ])
    const gone = planOf({ rules: NAME }, json(['accept', [], []]), '/etc/nftables.conf', written(['drop', OURS, []]))
    expect(gone.blockers.map(({ code }) => code)).toEqual(['cuts-off-management'])
    const open = planOf(
      { rules: NAME },
      json(['accept', OURS, []]),
      '/etc/nftables.conf',
      written(['accept', OURS, []]),
    )
    expect(open.blockers).toEqual([])
  })

  it.each(['include "/etc/more.nft"', 'tcp dport $PORTS drop', 'ip saddr vmap @ways', 'ip saddr 203.0.113.9 drop'])(
    'is left as it is for what is stray now where it says %s',
    odd => {
      const text = written(['accept', OURS, []]).replace(/(?<=new accept\n)/, `  ${odd}\n`)
      expect(planOf({ stray: true }, json(['accept', OURS, []]), '/etc/nftables.conf', text).changes).toEqual([])
    },
  )
})

it('an include that is added to a file of nft raises no doubt of what the file itself says', () => {
  const chains = ['input', 'output'].map(hook => [
    `chain ${hook} {`,
    `type filter hook ${hook} priority filter; policy accept;`,
    '}',
  ])
  const path = '/etc/nftables.conf'
  const text = ['flush ruleset', 'table inet f {', ...chains.flat(), '}', ''].join('\n')
  const chain = (hook: string): object => {
    return { chain: { family: 'inet', table: 'f', name: hook, type: 'filter', hook, prio: 0, policy: 'accept' } }
  }
  const nftables = [{ table: { family: 'inet', name: 'f' } }, chain('input'), chain('output')]
  const facts = makeFacts({
    ...{ files: [file(path, text)], managementPath: PATH, ownNft: { table: null, rules: [] } },
    firewall: { owner: 'nftables', backend: 'nft', mixed: false },
    ruleset: rulesetOf(source(JSON.stringify({ nftables }), { backend: 'nft', family: null, format: 'json' })),
  })
  const task = { steps: [{ strategy: notrack, options: { tcp: [80] } }], force: false }
  const { changes, blockers } = makePlan('h', { ...task, flows: [{ protocol: 'tcp', port: 80 }] }, facts)
  expect(changes.map(({ target }) => target)).toContain(path)
  expect(blockers).toEqual([])
})

it.each<Partial<Facts>>([
  { root: false },
  { kernel: '3.10.0-1160.el7.x86_64' },
  { ruleset: { sources: [], complete: false } },
])('where nobody could look nothing is shown to be over: %j', more => {
  const NAME = 'iptables-legacy ip filter INPUT -m state --state NEW -j ACCEPT'
  const plan = planOf({ rules: NAME }, source(''), '/etc/hosts', '', more)
  expect(plan.evidence?.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'no-trigger-left unknown',
    'own-connection-untracked unknown',
    'no-new-entries unknown',
  ])
})
