import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress, parseNetwork, parseRange } from '../../../src/firewall/address.ts'
import { readRule } from '../../../src/firewall/iptables-rule.ts'
import { parseSave } from '../../../src/firewall/iptables-save.ts'
import { parseNftJson } from '../../../src/firewall/nft-json.ts'
import { readRuleset } from '../../../src/firewall/read.ts'
import { positionOf, type RuleState, withoutRule, withRule } from '../../../src/firewall/rule-state.ts'
import { canonicalWords, isSameRule, joinWords, splitWords } from '../../../src/firewall/words.ts'
import { CONTAINERS, DEBIAN, nft, RHEL, rulesetOf, source, UFW } from './samples.ts'

describe('addresses', () => {
  it.each([
    ['192.0.2.1', { family: 4, value: 0xc0000201n }],
    ['::1', { family: 6, value: 1n }],
    ['2001:db8::5', { family: 6, value: 0x20010db8000000000000000000000005n }],
    ['fe80::1%eth0', { family: 6, value: 0xfe800000000000000000000000000001n }],
    ['::ffff:192.0.2.1', { family: 4, value: 0xc0000201n }],
    ['1:2:3:4:5:6:7:8', { family: 6, value: 0x10002000300040005000600070008n }],
    ['1.2.3', null],
    ['1.2.3.256', null],
    ['::1::', null],
    ['1:2:3', null],
    ['12345::', null],
    ['', null],
  ])('%s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected)
  })

  it('networks by prefix or by mask, ranges by their ends', () => {
    expect(parseNetwork('10.1.2.3/8')).toEqual({ family: 4, from: 0x0a000000n, to: 0x0affffffn })
    expect(parseNetwork('10.0.0.0/255.0.0.0')).toEqual(parseNetwork('10.0.0.0/8'))
    expect(parseNetwork('0.0.0.0/0')).toEqual({ family: 4, from: 0n, to: 0xffffffffn })
    expect(parseNetwork('10.0.0.1')).toEqual(parseNetwork('10.0.0.1/32'))
    expect(parseNetwork('fe80::/ffc0::')).toEqual(parseNetwork('fe80::/10'))
    // No mapped address is meant by a rule of ip6tables.
    expect(parseNetwork('::ffff:0.0.0.0/96')?.family).toBe(6)
    for (const text of ['10.0.0.0/33', '10.0.0.0/255.0.255.0', '10.0.0.0/x', 'a/8'])
      expect(parseNetwork(text)).toBeNull()
    expect(parseRange('10.0.0.1-10.0.0.9')).toEqual({ family: 4, from: 0x0a000001n, to: 0x0a000009n })
    expect(parseRange('10.0.0.1-::1')).toBeNull()
  })
})

describe('words of a rule', () => {
  it('come back as they were, whatever is in them', () => {
    const words = fc.array(fc.stringMatching(/^[ -~]+$/), { minLength: 1 })
    fc.assert(
      fc.property(words, list => {
        expect(splitWords(joinWords(list))).toEqual(list)
      }),
    )
  })

  it.each([
    ['-p tcp -m tcp --dport 80 -j CT --notrack', '-p tcp --dport 80 -j NOTRACK'],
    ['-s 10.0.0.1/32 -j DROP', '-s 10.0.0.1 -j DROP'],
    ['-s 10.0.0.0/12 -j DROP', '-s 10.0.0.0/255.240.0.0 -j DROP'],
    ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP', '-p tcp --syn -j DROP'],
    ['-m comment --comment x -j DROP', '-m comment --comment "x" -j DROP'],
  ])('are the same: %s', (one, other) => {
    expect(isSameRule(splitWords(one), splitWords(other), 4)).toBe(true)
    expect(canonicalWords(canonicalWords(splitWords(one), 4), 4)).toEqual(canonicalWords(splitWords(one), 4))
  })

  it('differ where it matters', () => {
    expect(isSameRule(['-s', '10.0.0.1'], ['-s', '10.0.0.1/24'], 4)).toBe(false)
    expect(isSameRule(['-p', 'tcp', '-m', 'udp'], ['-p', 'tcp'], 4)).toBe(false)
    expect(canonicalWords(['-s', 'fe80::1'], 6)).toEqual(['-s', 'fe80::1/128'])
    expect(canonicalWords(['-p', 'ipv6-icmp', '-m', 'icmp6', '--icmpv6-type', '1'], 6)).toEqual([
      '-p',
      'ipv6-icmp',
      '--icmpv6-type',
      '1',
    ])
  })
})

describe('iptables-save', () => {
  it.each([
    ['DEBIAN', DEBIAN, { filter: 5 }],
    ['RHEL', RHEL, { filter: 7 }],
    ['UFW', UFW, { filter: 23 }],
    ['CONTAINERS', CONTAINERS, { raw: 1, nat: 3, filter: 6 }],
  ])('of %s has its tables and all their rules', (_name, text, expected) => {
    const tables = parseSave(text, 'iptables-legacy', 4)
    const counts = tables.map(({ name, chains }) => [name, [...chains.values()].flatMap(({ rules }) => rules).length])
    expect(Object.fromEntries(counts)).toEqual(expected)
  })

  it('says where its chains stand', () => {
    const [, nat, filter] = parseSave(CONTAINERS, 'iptables-nft', 6)
    expect(filter?.family).toBe('ip6')
    expect(filter?.chains.get('FORWARD')?.base).toEqual({
      type: 'filter',
      hook: 'forward',
      priority: 0,
      policy: 'drop',
    })
    expect(filter?.chains.get('DOCKER-USER')?.base).toBeNull()
    expect(nat?.chains.get('POSTROUTING')?.base).toMatchObject({ type: 'nat', priority: 100 })
  })

  it('goes past comments that hold quotes, newlines and words of its own', () => {
    const comment = '-A INPUT -m comment --comment "a\n*raw\nCOMMIT \\"b" -j DROP'
    const [table, ...more] = parseSave(`*filter\n:INPUT ACCEPT [0:0]\n${comment}\nCOMMIT\n`, 'iptables-legacy', 4)
    expect(more).toEqual([])
    expect(table?.chains.get('INPUT')?.rules).toMatchObject([{ line: comment, verdict: { is: 'drop' } }])
  })

  it('keeps what it does not know as a question, all of it', () => {
    const read = (text: string) => readRule(splitWords(text))
    expect(read('-m recent --update --seconds 30 --hitcount 6 -p tcp -j DROP').matches).toEqual([
      {
        condition: {
          is: 'unknown',
          text: 'recent --update recent --seconds 30 recent --hitcount 6',
          varies: 'by-rule',
        },
        not: false,
      },
      { condition: { is: 'protocol', protocols: ['tcp'] }, not: false },
    ])
    expect(read('-m set ! --match-set bad src,dst -g X')).toEqual({
      matches: [{ condition: { is: 'unknown', text: 'set --match-set bad src,dst', varies: 'never' }, not: true }],
      verdict: { is: 'goto', chain: 'X' },
    })
    expect(read('-p tcp -m tcp --dport ssh -j CT --helper ftp')).toMatchObject({
      matches: [{}, { condition: { is: 'unknown', text: 'destination port ssh' } }],
      verdict: { is: 'continue' },
    })
    expect(read('-m conntrack --ctproto 6 --ctstate NEW').matches).toMatchObject([
      { condition: { is: 'unknown', varies: 'by-state' } },
      { condition: { is: 'state', states: ['new'] } },
    ])
    expect(read('-p 17 -4 ! -i eth+ -c 1 2').matches).toEqual([
      { condition: { is: 'protocol', protocols: ['udp'] }, not: false },
      { condition: { is: 'family', families: [4] }, not: false },
      { condition: { is: 'interface', way: 'in', name: 'eth*' }, not: true },
      { condition: { is: 'always' }, not: false },
    ])
  })
})

describe('nft -j', () => {
  const linesOf = (name: Parameters<typeof nft>[0]): Record<string, string[]> =>
    Object.fromEntries(
      (parseNftJson(nft(name).text) ?? []).flatMap(table =>
        [...table.chains.values()].map(chain => [
          `${table.family} ${table.name} ${chain.name}`,
          chain.rules.map(({ line, verdict }) => `${line} → ${verdict.is}`),
        ]),
      ),
    )

  it('has every rule of the table, in words that people know', () => {
    expect(linesOf('inet-filter')).toMatchInlineSnapshot(`
      {
        "inet filter input": [
          "ct state vmap { invalid : drop, established : accept, related : accept } → drop",
          "ct state vmap { invalid : drop, established : accept, related : accept } → accept",
          "ct state vmap { invalid : drop, established : accept, related : accept } → accept",
          "iifname lo accept → accept",
          "ip saddr @blocked drop → drop",
          "ip saddr { 10.0.0.0/8, 192.168.1.5-192.168.1.9 } tcp dport { 22, 8000-8100 } ct state new accept → accept",
          "tcp flags & fin,syn,rst,ack syn limit accept → accept",
          "meta l4proto { tcp, udp } th dport 53 accept → accept",
          "ip6 saddr fe80::/10 accept → accept",
          "meta mark 1 accept → accept",
          "ip6 nexthdr ipv6-icmp accept → accept",
          "tcp dport 80 counter log accept → accept",
          "udp dport 1000-2000 reject → drop",
          "iifname != eth0 jump other → jump",
          "ct state established,related accept → accept",
          "tcp dport != 25 goto other → goto",
          "fib daddr type local accept → accept",
          "meta pkttype broadcast drop → drop",
          "tcp dport vmap { 80 : accept, 443 : jump other } → accept",
          "tcp dport vmap { 80 : accept, 443 : jump other } → jump",
          "ct status dnat accept → accept",
        ],
        "inet filter other": [
          "return → return",
        ],
        "ip mine pre": [
          "tcp dport 80 notrack → notrack",
        ],
        "netdev x i": [
          "tcp dport 1 drop → drop",
        ],
      }
    `)
  })

  it('of firewalld', () => {
    const [table] = parseNftJson(nft('firewalld').text) ?? []
    expect(table?.chains.get('filter_INPUT')?.base).toEqual({
      type: 'filter',
      hook: 'input',
      priority: 10,
      policy: 'accept',
    })
    expect(table?.chains.get('nat_PREROUTING')?.base?.type).toBe('nat')
    expect(linesOf('firewalld')['inet firewalld filter_IN_public_allow']).toEqual([
      'tcp dport 22 ct state { new, untracked } accept → accept',
      'ip6 daddr fe80::/64 udp dport 546 ct state { new, untracked } accept → accept',
      'tcp dport 80 accept → accept',
    ])
  })

  it('leaves a dormant table out', () => {
    const table = { family: 'ip', name: 'x', flags: 'dormant' }
    const chain = { family: 'ip', table: 'x', name: 'c', type: 'filter', hook: 'input', prio: 0, policy: 'drop' }
    expect(parseNftJson(JSON.stringify({ nftables: [{ table }, { chain }] }))).toEqual([])
    const awake = { ...table, flags: undefined }
    expect(parseNftJson(JSON.stringify({ nftables: [{ table: awake }, { chain }] }))).toHaveLength(1)
  })

  it('leaves tables out that iptables-nft lists itself, and only those', () => {
    const save = source('*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n', { backend: 'iptables-nft' })
    const { tables, complete } = readRuleset(rulesetOf(save, nft('iptables-nft')))
    expect(tables.map(({ backend, family, name }) => `${backend} ${family} ${name}`)).toEqual([
      'iptables-nft ip raw',
      'nft ip filter',
    ])
    expect(complete).toBe(true)
  })
})

describe('a rule set that is edited', () => {
  const rule: RuleState = {
    backend: 'iptables-legacy',
    family: 4,
    table: 'filter',
    chain: 'INPUT',
    position: 3,
    spec: ['-p', 'tcp', '--dport', '25', '-j', 'DROP'],
  }
  const before = rulesetOf(DEBIAN)
  const place = (ruleset: typeof before, state: RuleState): number | null => positionOf(ruleset, state)

  it('has it at its place, at the end, or in a table of its own', () => {
    expect(place(withRule(before, rule), rule)).toBe(3)
    expect(place(withRule(before, { ...rule, position: null }), rule)).toBe(6)
    expect(place(withRule(before, { ...rule, position: 99 }), rule)).toBe(6)
    const elsewhere: RuleState = { ...rule, table: 'raw', chain: 'PREROUTING', position: 1 }
    expect(place(withRule(before, elsewhere), elsewhere)).toBe(1)
    const six: RuleState = { ...rule, family: 6 }
    expect(place(withRule(before, six), six)).toBe(1)
    expect(place(before, rule)).toBeNull()
  })

  it('is as it was when the rule is out again; a rule that is not in it changes nothing', () => {
    expect(withoutRule(withRule(before, rule), rule)).toEqual(before)
    expect(withoutRule(before, rule)).toEqual(before)
    expect(withoutRule(rulesetOf(), rule)).toEqual(rulesetOf())
  })

  it('tells equal rules apart', () => {
    const twice = withRule(withRule(before, { ...rule, position: 1 }), { ...rule, position: 4 })
    expect(place(twice, rule)).toBe(1)
    expect(place(twice, { ...rule, copy: 2 })).toBe(4)
    expect(place(twice, { ...rule, copy: 3 })).toBeNull()
    expect(place(withoutRule(twice, { ...rule, copy: 2 }), rule)).toBe(1)
  })
})
