/** What boot would load again: rules as people write them, in files that a plan edits. */
import { describe, expect, it } from 'vitest'
import type { RulesetSource } from '../../../src/facts/facts.ts'
import { isLooselySame } from '../../../src/firewall/loose.ts'
import { splitWords } from '../../../src/firewall/words.ts'
import type { Draft } from '../../../src/strategy/strategy.ts'
import { untrigger } from '../../../src/strategy/untrigger/untrigger.ts'
import { statementsOf } from '../../../src/strategy/untrigger/written.ts'
import { file, makeFacts } from '../../support/facts.ts'
import { rulesetOf, source } from '../firewall/samples.ts'
import { NO_TRACKING } from './cases.ts'

function planOf(rules: string, live: RulesetSource, path: string, content: string): Draft {
  return untrigger.configure({ rules })(
    makeFacts({
      ...{ ruleset: rulesetOf(live), tracking: NO_TRACKING, ipv6: false, count: 0 },
      ...{ files: [file(path, content)], directories: ['/etc/iptables'] },
    }),
  )
}

const blocked = ({ blockers }: Draft): string[] => blockers.map(({ code, message }) => `${code} ${message}`)
const written = ({ changes }: Draft): string | null | undefined =>
  changes.flatMap(change => (change.kind === 'file' ? [change.after?.content ?? null] : []))[0]

describe('a save of iptables', () => {
  const NAME = 'iptables-legacy ip filter INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT'
  const save = (...rules: readonly string[]): string =>
    `*filter\n:INPUT ACCEPT [0:0]\n${rules.map(rule => `${rule}\n`).join('')}COMMIT\n`
  const LIVE = '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT'
  const OTHER = '-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT'
  const live = source(save(LIVE, OTHER))

  it('loses the rule in another spelling, and keeps what stays in whatever spelling', () => {
    const other = '-A INPUT -p tcp -m state --state NEW --dport 22 -j ACCEPT'
    const mine = OTHER.replace('-m tcp ', '')
    for (const stays of [OTHER, mine, '-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT']) {
      const plan = planOf(
        NAME,
        live,
        '/etc/iptables/rules.v4',
        save('-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT', stays),
      )
      expect(blocked(plan)).toEqual([])
      expect(written(plan)).toBe(save(stays))
    }
    expect(blocked(planOf(NAME, live, '/etc/iptables/rules.v4', save(LIVE, other)))).toHaveLength(1)
  })

  it('is in the way with a line of the same kind that nobody knows, by its place in the file as it is', () => {
    const unknown = '-A INPUT -m state --state ESTABLISHED,RELATED -m comment --comment old -j ACCEPT'
    const plan = planOf(
      NAME,
      live,
      '/etc/iptables/rules.v4',
      save(LIVE, OTHER, unknown, '-A INPUT -j CONNMARK --save-mark'),
    )
    expect(plan.blockers.map(({ forceable }) => forceable)).toEqual([true])
    expect(blocked(plan)).toEqual([
      expect.stringContaining(`saved-elsewhere /etc/iptables/rules.v4:5 says "${unknown}"`),
    ])
  })

  it('loses the line that says it word for word where another one only means the same', () => {
    const [one, other] = [
      '-s 10.0.0.1/32 -i eth0 -m state --state NEW -j DROP',
      '-i eth0 -s 10.0.0.1/32 -m state --state NEW -j DROP',
    ]
    const both = save(`-A INPUT ${one}`, `-A INPUT ${other}`)
    const plan = planOf(`iptables-legacy ip filter INPUT ${other}`, source(both), '/etc/iptables/rules.v4', both)
    expect(blocked(plan)).toEqual([])
    expect(written(plan)).toBe(save(`-A INPUT ${one}`))
  })
})

it.each([
  ['-m state --state NEW,ESTABLISHED -j ACCEPT', '--match state --state ESTABLISHED,NEW --jump ACCEPT', true],
  ['-s ! 10.0.0.0/8 -p tcp --dport 22 -j DROP', '! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP', true],
  ['-p tcp -m tcp --dport 22 -s 10.0.0.1 -j DROP', '-s 10.0.0.1/32 -p tcp --dport 22 -j DROP', true],
  ['-p ipv6-icmp -m icmp6 --icmpv6-type 1 -j DROP', '-p icmpv6 --icmpv6-type 1 -j DROP', true],
  ['-p tcp --syn -j DROP', '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP', true],
  ['-i eth0 -o eth1 -j DROP', '-i eth1 -o eth0 -j DROP', false],
  ['! -i eth0 -j DROP', '-i eth0 -j DROP', false],
  ['-m state --state NEW -j DROP', '-m state ! --state NEW -j DROP', false],
  [
    '-m recent --set --name a -m recent --update --name b',
    '-m recent --set --name b -m recent --update --name a',
    false,
  ],
])('"%s" and "%s" are the same rule: %s', (one, other, same) => {
  expect(isLooselySame(splitWords(one), splitWords(other), 4)).toBe(same)
})

describe('a file of nft', () => {
  const rule = (chain: string, ...expr: readonly object[]): object => ({
    rule: { family: 'ip', table: 'nat', chain, expr },
  })
  const to = (right: unknown): object => ({ match: { op: '==', left: { meta: { key: 'oifname' } }, right } })
  const live = source(
    JSON.stringify({
      nftables: [
        { table: { family: 'ip', name: 'nat' } },
        {
          chain: {
            family: 'ip',
            table: 'nat',
            name: 'post',
            type: 'nat',
            hook: 'postrouting',
            prio: 100,
            policy: 'accept',
          },
        },
        rule('post', to('eth9'), { masquerade: null }),
        rule('post', to({ set: ['eth7', 'eth8'] }), { masquerade: null }),
      ],
    }),
    { backend: 'nft', family: null, format: 'json' },
  )
  const NAME = 'nft ip nat post oifname "eth9" masquerade'
  const conf = (...lines: readonly string[]): string =>
    ['#!/usr/sbin/nft -f', 'flush ruleset', 'define WAN = eth9', ...lines, ''].join('\n')
  const HEAD = ['table ip nat {', ' chain post {', '  type nat hook postrouting priority 100; policy accept;']
  const plan = (...lines: readonly string[]): Draft => planOf(NAME, live, '/etc/nftables.conf', conf(...lines))

  it('loses a line with a name that is defined once, wherever its braces stand', () => {
    const found = plan(
      'table nat',
      '{',
      ' chain post',
      ' {',
      '  type nat hook postrouting priority 100;',
      '  oifname $WAN masquerade',
      '  oifname { "eth8", eth7 } masquerade',
      ' }',
      '}',
    )
    expect(blocked(found)).toEqual([])
    expect(written(found)).toBe(
      conf(
        'table nat',
        '{',
        ' chain post',
        ' {',
        '  type nat hook postrouting priority 100;',
        '  oifname { "eth8", eth7 } masquerade',
        ' }',
        '}',
      ),
    )
  })

  it.each([
    [
      'in one line',
      4,
      ['table ip nat { chain post { type nat hook postrouting priority 100; oifname eth9 masquerade; }; }'],
    ],
    ['beside another', 7, [...HEAD, '  tcp dport 1 accept; oifname eth9 masquerade', ' }', '}']],
    ['by a name nobody can follow', 8, ['define WAN = eth1', ...HEAD, '  oifname $WAN masquerade', ' }', '}']],
    ['over several lines', 7, [...HEAD, '  oifname { eth9,', '   eth10 } masquerade', ' }', '}']],
    ['as a command', 4, ['add rule nat post meta oifname eth9 masquerade']],
    ['with its closing brace', 7, [...HEAD, '  oifname eth9 masquerade }', '}']],
  ] as const)('is in the way with the rule %s', (_, line, lines) => {
    const found = plan(...lines)
    expect(written(found)).toBeUndefined()
    expect(blocked(found)).toEqual([expect.stringContaining(`saved-elsewhere /etc/nftables.conf:${line} says "`)])
  })

  it('is not in the way with rules that stay, and with what asks for something else', () => {
    const found = plan(
      ...HEAD,
      '  oifname eth9 counter masquerade # uplink',
      '  oifname { eth7, eth8 } masquerade',
      '  ct state new accept',
      '  ct status dnat accept',
      '  icmp type { redirect, echo-request } jump snat',
      ' }',
      '}',
    )
    expect(blocked(found)).toEqual([])
    expect(written(found)).not.toContain('uplink')
  })

  it('is read statement by statement', () => {
    const text =
      'table inet a\ntable inet a {\n set s { type ipv4_addr; elements = { 10.0.0.1,\n 10.0.0.2 } }\n chain c { # {\n counter tcp dport { 22, 80 } accept\n log prefix "a; { #" drop\n ip saddr \\\n 10.0.0.1 drop\n }\n}'
    expect(statementsOf(text).filter(({ home }) => home !== null)).toEqual([
      { home: 'inet a c', text: 'counter tcp dport { 22, 80 } accept', line: 6, alone: true },
      { home: 'inet a c', text: 'log prefix "a; { #" drop', line: 7, alone: true },
      { home: 'inet a c', text: 'ip saddr 10.0.0.1 drop', line: 8, alone: false },
    ])
  })
})
