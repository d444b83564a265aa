/** Every kind of rule of ours as the real tools take it, and print it back: the same words, and the same meaning. */
import { describe, expect } from 'vitest'
import { parseNftJson } from '../../src/firewall/nft-json.ts'
import { readExpressions } from '../../src/firewall/nft-rule.ts'
import { canonicalNft } from '../../src/firewall/own.ts'
import { iptablesWords, type OwnRule } from '../../src/firewall/own-rule.ts'
import { nftRule } from '../../src/firewall/own-rule-nft.ts'
import { findChain } from '../../src/firewall/own-ruleset.ts'
import { canonicalWords, joinWords } from '../../src/firewall/words.ts'
import { quote } from '../../src/lang/sh.ts'
import { options } from '../../src/strategy/notrack/options.ts'
import { flowRules } from '../../src/strategy/notrack/rules.ts'
import { labSuite } from '../lab/suite.ts'
import { type OwnNetwork, startOwnNetwork } from '../support/own-network.ts'

const ADDRESSES = { 4: ['192.0.2.5', '198.51.100.0/24'], 6: ['2001:db8::5', '2001:db8:1::/48'] } as const
const WANTED: readonly Readonly<Record<string, unknown>>[] = [
  { tcp: 80 },
  { tcp: [80, 443, '8000:8010'], udp: ['53', '60000-60100'] },
  { tcp: Array.from({ length: 40 }, (_, i) => 2 * i + 1), families: [4, 6] },
  { tcp: [80, '81-90', '91:95', 97], udp: ['1:65535'] },
  { tcp: [7, 8, 9], udp: [7, 8, '20:22', 23] },
  { tcp: 80, peers: [...ADDRESSES[4], ...ADDRESSES[6]] },
  { tcp: 80, peers: ['10.1.2.3/255.0.0.0', '192.0.2.9/32', '2001:DB8:0:0:1:0:0:1', '2001:db8::/127', '::1', '1::/16'] },
  { udp: [53, 123], addresses: [ADDRESSES[4][0], ADDRESSES[6][0]] },
  { local_out: true },
  { local_out: true, peers: [ADDRESSES[4][1], ADDRESSES[6][1]] },
  { all: true, tcp: 22 },
  { all: true, peers: [ADDRESSES[4][1], ADDRESSES[6][1]] },
]

/** What the strategy makes of them, and what it adds for ICMP. */
function rulesOf(family: 4 | 6): { readonly raw: readonly OwnRule[]; readonly filter: readonly OwnRule[] } {
  const parts = WANTED.flatMap(wanted =>
    [true, false].map(forwards =>
      flowRules(options.parse(wanted), { family, forwards, chosen: { from: 32_768, to: 60_999 } }),
    ),
  )
  const types = family === 4 ? [3, 11, 12] : [1, 2, 3, 4]
  const errors: OwnRule = { protocol: 'icmp', icmpTypes: types, does: 'notrack' }
  return {
    raw: [...parts.flatMap(({ pre, out }) => [...pre, ...out.filter(rule => !rule.loopback)]), errors],
    filter: [
      ...parts.flatMap(({ acceptIn, acceptOut }) => [...acceptIn, ...acceptOut.filter(rule => !rule.loopback)]),
      { ...errors, states: ['invalid', 'untracked'], does: 'accept' },
      { protocol: 'icmp', icmpTypes: [types[0] ?? 3], states: ['untracked'], does: 'accept' },
    ],
  }
}

const BACKENDS = ['iptables-legacy', 'iptables-nft'] as const
const FAMILIES = [4, 6] as const

/** Loads rules into a chain of ours and reads it back from a save. */
function throughIptables(
  net: OwnNetwork,
  of: { readonly backend: (typeof BACKENDS)[number]; readonly family: 4 | 6; readonly table: string },
  lines: readonly string[],
): string[] {
  const { backend, family, table } = of
  const tool = family === 4 ? backend : `ip6${backend.slice(2)}`
  const text = `*${table}\n:CTFIX-T - [0:0]\n${lines.map(line => `-A CTFIX-T ${line}\n`).join('')}COMMIT\n`
  const saved = net.print(`set -e; printf %s ${quote(text)} | ${tool}-restore -n; ${tool}-save -t ${table}`)
  const source = { backend, family, format: 'save', text: saved } as const
  const found = findChain({ sources: [source], complete: true }, { ...of, chain: 'CTFIX-T' })
  return found?.rules.map(joinWords) ?? []
}

labSuite('rules of ours by the real tools', startOwnNetwork, ({ it }) => {
  describe.each(BACKENDS)('%s', backend => {
    for (const family of FAMILIES) {
      it(`prints rules of IPv${family} back in the words they were given in`, async net => {
        const { raw, filter } = rulesOf(family)
        for (const [table, rules] of [
          ['raw', raw],
          ['filter', filter],
        ] as const) {
          const words = rules.flatMap(rule => iptablesWords(rule, { family, stateMatch: 'conntrack' }))
          const printed = throughIptables(net, { backend, family, table }, words.map(joinWords))
          expect(printed).toEqual(words.map(rule => joinWords(canonicalWords(rule, family))))
        }
      })
    }

    it('knows untracked packets by the state match of old kernels, too', async net => {
      const rule: OwnRule = { protocol: 'tcp', toPorts: [{ from: 80, to: 80 }], states: ['untracked'], does: 'accept' }
      const words = iptablesWords(rule, { family: 4, stateMatch: 'state' })
      const printed = throughIptables(net, { backend, family: 4, table: 'filter' }, words.map(joinWords))
      expect(printed).toEqual(['-p tcp --dport 80 -m state --state UNTRACKED -j ACCEPT'])
    })
  })

  for (const family of [...FAMILIES, null]) {
    it(`nft prints rules back as they were given, and its JSON says the same: ${family ?? 'both families'}`, async net => {
      const { raw, filter } = rulesOf(family ?? 4)
      const isBoth = ({ protocol, from, to }: OwnRule): boolean => protocol !== 'icmp' && !from && !to
      const own = [...raw, ...filter].filter(rule => family !== null || isBoth(rule)).map(rule => nftRule(rule, family))
      const lines = own.map(({ text }) => `${text} comment "ctfix"\n`).join('')
      const table = `table inet ctfix {\nchain t {\ntype filter hook prerouting priority raw; policy accept;\n${lines}}\n}\n`
      net.print(`set -e; printf %s ${quote(`add table inet ctfix\ndelete table inet ctfix\n${table}`)} | nft -f -`)
      const printed = net
        .print('nft -s list table inet ctfix')
        .split('\n')
        .filter(line => line.includes('comment'))
      expect(printed.map(canonicalNft)).toEqual(own.map(({ text }) => canonicalNft(`${text} comment "ctfix"`)))
      const [read] = parseNftJson(net.print('nft -j list table inet ctfix')) ?? []
      const meanings = read?.chains.get('t')?.rules.map(({ matches, verdict }) => ({ matches, verdict }))
      const ours = own.flatMap(({ expr }) => readExpressions(expr.filter(isRecord)))
      expect(meanings).toEqual(ours.map(({ matches, verdict }) => ({ matches, verdict })))
      for (const { matches } of ours) expect(matches.filter(({ condition }) => condition.is === 'unknown')).toEqual([])
    })
  }
})

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
