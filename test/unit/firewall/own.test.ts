/** What is ours in the live rules: found, put in, taken out, and told from what is somebody else's. */
import { describe, expect, it } from 'vitest'
import { opened } from '../../../src/firewall/compare.ts'
import { translates } from '../../../src/firewall/nat.ts'
import type { ChainState, NftRuleState } from '../../../src/firewall/own.ts'
import {
  findChain,
  isSameChain,
  withChain,
  withNftRule,
  withOwnTable,
  withoutNftRule,
} from '../../../src/firewall/own-ruleset.ts'
import { readRuleset } from '../../../src/firewall/read.ts'
import { firstStateful, judgesAt } from '../../../src/firewall/stateful.ts'
import { stripOwn, stripSave } from '../../../src/firewall/strip.ts'
import { splitWords } from '../../../src/firewall/words.ts'
import { CONTAINERS, DEBIAN, filter, nft, RHEL, raw, rulesetOf, source, UFW } from './samples.ts'

const CHAIN: ChainState = {
  backend: 'iptables-legacy',
  family: 4,
  table: 'raw',
  chain: 'CTFIX-PRE',
  rules: ['-p tcp -m tcp --dport 80 -j CT --notrack', '-s 192.0.2.1 -j NOTRACK'].map(splitWords),
}

describe('a chain of ours', () => {
  it('is not there, is put in, is found with its rules, and goes without a trace', () => {
    for (const text of [DEBIAN, raw('PREROUTING -p tcp -j ACCEPT') + DEBIAN, RHEL, '']) {
      const before = rulesetOf(text)
      expect(findChain(before, CHAIN)).toBeNull()
      const after = withChain(before, CHAIN, CHAIN)
      expect(isSameChain(findChain(after, CHAIN), CHAIN)).toBe(true)
      expect(findChain(after, { ...CHAIN, family: 6 })).toBeNull()
      expect(findChain(after, { ...CHAIN, table: 'filter' })).toBeNull()
      expect(readRuleset(stripOwn(after)).tables.flatMap(({ chains }) => [...chains.keys()])).not.toContain('CTFIX-PRE')
      expect(findChain(withChain(after, CHAIN, null), CHAIN)).toBeNull()
    }
  })

  it('replaces its rules, and leaves jumps to it and chains of other tables where they are', () => {
    const other = { ...CHAIN, table: 'filter' }
    const both = withChain(
      withChain(rulesetOf(raw('PREROUTING -j CTFIX-PRE') + filter('DROP')), CHAIN, CHAIN),
      other,
      other,
    )
    const after = withChain(both, CHAIN, { ...CHAIN, rules: CHAIN.rules.slice(1) })
    expect(findChain(after, CHAIN)?.rules).toEqual([splitWords('-s 192.0.2.1/32 -j CT --notrack')])
    expect(findChain(after, other)?.rules).toHaveLength(2)
    expect(after.sources[0]?.text).toContain('-A PREROUTING -j CTFIX-PRE\n')
  })

  it('is told without its counters, and is there when it is empty', () => {
    const text = '*raw\n:CTFIX-PRE - [4:5]\n[7:300] -A CTFIX-PRE -p tcp --dport 80 -j NOTRACK\nCOMMIT\n'
    expect(findChain(rulesetOf(text), CHAIN)?.rules).toEqual([splitWords('-p tcp --dport 80 -j CT --notrack')])
    expect(findChain(rulesetOf('*raw\n:CTFIX-PRE - [0:0]\nCOMMIT\n'), CHAIN)?.rules).toEqual([])
  })
})

describe('without what is ours', () => {
  it('a save has all its other lines', () => {
    const ours = [
      ':CTFIX-IN - [0:0]',
      '-A INPUT -j CTFIX-IN',
      '[12:34] -A INPUT -j CTFIX-IN',
      '-A CTFIX-IN -p tcp -j ACCEPT',
      '[0:0] -A CTFIX-IN -p tcp -m comment --comment "a\nb" -j ACCEPT',
    ]
    for (const text of [DEBIAN, RHEL, UFW]) {
      const lines = text.split('\n')
      const mixed = lines.toSpliced(3, 0, ...ours.slice(0, 3)).toSpliced(9, 0, ...ours.slice(3))
      expect(stripSave(mixed.join('\n'))).toBe(text)
      expect(stripSave(text)).toBe(text)
    }
  })

  it('a rule that only speaks of us stays', () => {
    const text = filter('DROP', 'INPUT -m comment --comment "-j CTFIX-IN" -j ACCEPT', 'INPUT -j MY-CTFIX-IN')
    expect(stripSave(text)).toBe(text)
  })

  const TABLE = JSON.stringify([
    { table: { family: 'inet', name: 'ctfix' } },
    {
      chain: {
        family: 'inet',
        table: 'ctfix',
        name: 'pre',
        type: 'filter',
        hook: 'prerouting',
        prio: -300,
        policy: 'accept',
      },
    },
  ])
  const RULE: NftRuleState = {
    family: 'inet',
    table: 'filter',
    chain: 'input',
    position: 1,
    text: 't',
    json: '[{"accept":null}]',
  }

  it('nft has its other tables and rules, whichever of ours went first', () => {
    const before = rulesetOf(nft('inet-filter'))
    const plain = JSON.stringify(JSON.parse(before.sources[0]?.text ?? ''))
    const two = { ...RULE, position: 2, json: '[{"counter":{"packets":0,"bytes":0}},{"drop":null}]' }
    const after = withNftRule(withNftRule(withOwnTable(before, TABLE), RULE), two)
    const counted = {
      ...after,
      sources: after.sources.map(one => ({ ...one, text: one.text.replaceAll('"packets":0', '"packets":9') })),
    }
    const uncounted = (text = ''): unknown => JSON.parse(text.replaceAll('"packets":9', '"packets":0'))
    for (const live of [after, counted]) {
      expect(uncounted(stripOwn(live).sources[0]?.text)).toEqual(JSON.parse(plain))
      for (const [first, second] of [
        [RULE, two],
        [two, RULE],
      ] as const) {
        const gone = withoutNftRule(withOwnTable(live, null), { ...first, position: null })
        expect(gone.sources[0]?.text).toContain(second === two ? '"drop":null}]' : '"accept":null}]')
        const none = withoutNftRule(gone, { ...second, position: null })
        expect(uncounted(none.sources[0]?.text)).toEqual(JSON.parse(plain))
        // There is none of ours any more, and nobody else's goes instead.
        expect(withoutNftRule(none, { ...RULE, position: null, json: null })).toEqual(none)
      }
    }
  })

  it('a table of the same name in another family belongs to others', () => {
    const theirs = source(JSON.stringify({ nftables: [{ table: { family: 'ip', name: 'ctfix' } }] }), {
      backend: 'nft',
      family: null,
      format: 'json',
    })
    expect(JSON.parse(stripOwn(rulesetOf(theirs)).sources[0]?.text ?? '').nftables).toHaveLength(1)
  })
})

describe('the first rule that asks for the state', () => {
  const first = (text: string, hook: 'input' | 'output' = 'input'): number | undefined =>
    judgesAt(readRuleset(rulesetOf(text)), hook)[0]?.at
  it.each<[what: string, text: string, at: number | undefined]>([
    ['itself', DEBIAN, 1],
    ['in a chain it leads to', RHEL, 0],
    ['two chains down', UFW, 0],
    ['none', filter('DROP', 'INPUT -p tcp -j ACCEPT'), undefined],
    [
      'by state NEW behind others',
      filter(
        'DROP',
        'INPUT -i lo -j ACCEPT',
        'INPUT -s 10.0.0.0/8 -j DROP',
        'INPUT -p tcp -m state ! --state NEW -j DROP',
      ),
      2,
    ],
  ])('%s', (_what, text, at) => {
    expect(first(text)).toBe(at)
  })

  it('of chains that lead to each other in a ring there may be none', () => {
    const ring = '*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A A -j B\n-A B -j A\nCOMMIT\n'
    const [table] = readRuleset(rulesetOf(ring)).tables
    const chain = table?.chains.get('INPUT')
    expect(table && chain && firstStateful(table, chain)).toBeNull()
  })

  it('stands in nft at whatever priority the chain has', () => {
    expect(
      judgesAt(readRuleset(rulesetOf(nft('firewalld'))), 'input').map(({ table, chain }) => [table.name, chain.name]),
    ).toEqual([['firewalld', 'filter_INPUT']])
  })
})

describe('a port that is translated', () => {
  const at = (text: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): string | undefined =>
    translates(readRuleset(rulesetOf(text)), protocol, port)?.line
  it('is known by its rule, and others are not', () => {
    expect(at(CONTAINERS, 8080)).toContain('--to-destination 172.17.0.2:80')
    expect(at(CONTAINERS, 80)).toBeUndefined()
    expect(at(CONTAINERS, 8080, 'udp')).toBeUndefined()
    expect(at(DEBIAN, 80)).toBeUndefined()
  })

  it('may be so from this host itself, by any address, or to some of them', () => {
    const nat = (rule: string): string =>
      `*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A ${rule}\nCOMMIT\n`
    expect(at(nat('OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080'), 80)).toContain('REDIRECT')
    expect(at(nat('PREROUTING -d 192.0.2.7/32 -j DNAT --to-destination 10.0.0.2'), 80)).toContain('192.0.2.7')
    expect(at(nat('POSTROUTING -o eth0 -j MASQUERADE'), 80)).toBeUndefined()
    expect(at(nat('PREROUTING -p tcp -m tcp --dport 80 -j RETURN'), 80)).toBeUndefined()
  })

  it('is found in nft, too', () => {
    const port = (number: number) => translates(readRuleset(rulesetOf(nft('firewalld'))), 'tcp', number)?.chain
    expect([port(8080), port(22)]).toEqual(['nat_PREROUTING', undefined])
  })
})

describe('what a change opens', () => {
  const about = { family: 4, protocol: 'tcp', kind: 'new', client: { address: null, port: null } } as const
  const between = (now: string, then: string, port: number) =>
    opened(readRuleset(rulesetOf(now)), readRuleset(rulesetOf(then)), { ...about, server: { address: null, port } })
      ?.line
  const open = filter('DROP', 'INPUT -p tcp -m tcp --dport 80 -j ACCEPT')
  it('is what was kept out, whole or in part', () => {
    expect(between(filter('DROP'), open, 80)).toBe('policy DROP')
    expect(between(filter('DROP', 'INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ACCEPT'), open, 80)).toBe(
      'policy DROP',
    )
    expect(between(filter('DROP'), open, 81)).toBeUndefined()
    expect(between(open, filter('DROP'), 80)).toBeUndefined()
    expect(between(open, open, 80)).toBeUndefined()
  })

  it('is nothing where the same question is asked before and after', () => {
    const set = filter('DROP', 'INPUT -m set --match-set friends src -j ACCEPT')
    expect(between(set, filter('DROP', 'INPUT -p tcp -m set --match-set friends src -j ACCEPT'), 80)).toBeUndefined()
  })
})
