/** Which rules make the kernel track, in every backend, and what they are called. */
import { expect, it } from 'vitest'
import { type Trigger, triggersOf } from '../../../src/firewall/triggers.ts'
import { nft, rulesetOf, source } from './samples.ts'

const save = (table: string, ...rules: readonly string[]): string =>
  `*${table}\n:PREROUTING ACCEPT [0:0]\n${rules.map(rule => `-A PREROUTING ${rule}\n`).join('')}COMMIT\n`

const kindsOf = (triggers: readonly Trigger[]): (readonly string[])[] =>
  triggers.map(({ kind, line }) => [kind, line.replace('-A PREROUTING ', '')])

it('iptables: matches and targets that ask for tracking, in any table', () => {
  const asking: readonly (readonly [string, string])[] = [
    ['state', '-m state --state NEW -j ACCEPT'],
    ['state', '-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j DROP'],
    ['mark', '-m connmark --mark 0x1 -j ACCEPT'],
    ['mark', '-m connlabel --label 1 -j ACCEPT'],
    ['count', '-m connbytes --connbytes 1:2 --connbytes-mode bytes --connbytes-dir both -j ACCEPT'],
    ['count', '-p tcp -m connlimit --connlimit-above 3 -j REJECT'],
    ['helper', '-m helper --helper ftp -j ACCEPT'],
    ['cluster', '-m cluster --cluster-total-nodes 2 --cluster-local-node 1 -j MARK --set-mark 1'],
    ['mark', '-j CONNMARK --restore-mark'],
    ['mark', '-j CONNSECMARK --save'],
    ['helper', '-p tcp -m tcp --dport 21 -j CT --helper ftp'],
    ['helper', '-j CT --zone 1'],
    ['synproxy', '-m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --mss 1460'],
    ['offload', '-m conntrack --ctstate ESTABLISHED -j FLOWOFFLOAD'],
    ...[
      'MASQUERADE',
      'SNAT --to-source 192.0.2.1',
      'DNAT --to-destination 10.0.0.1',
      'REDIRECT',
      'NETMAP --to 10.0.0.0/8',
    ].map(target => ['nat', `-o eth0 -j ${target}`] as const),
  ]
  const idle = [
    '-j CT --notrack',
    '-p tcp -m tcp --dport 80 -j NOTRACK',
    '-m socket --transparent -j ACCEPT',
    '-m comment --comment "-m conntrack -j MASQUERADE" -j ACCEPT',
    '-j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x1/0xffffffff',
    '-m mark --mark 0x1 -j MARK --set-mark 2',
  ]
  for (const table of ['filter', 'nat', 'mangle', 'raw', 'security']) {
    const text = save(table, ...asking.map(([, rule]) => rule), ...idle)
    expect(kindsOf(triggersOf(rulesetOf(text)))).toEqual(asking)
  }
})

it('a name is the target of its change, with its backend, family and which of equal rules it is', () => {
  const rule = '-o eth9 -j MASQUERADE'
  const found = triggersOf(
    rulesetOf(
      save('nat', rule, '-j ACCEPT', rule),
      source(`*nat\n[3:180] -A POSTROUTING ${rule}\nCOMMIT\n`, { backend: 'iptables-nft', family: 6 }),
    ),
  )
  expect(found.map(({ name, position, families, packets }) => [name, position, families, packets])).toEqual([
    [`iptables-legacy ip nat PREROUTING ${rule}`, 1, [4], null],
    [`iptables-legacy ip nat PREROUTING ${rule} #2`, 3, [4], null],
    [`iptables-nft ip6 nat POSTROUTING ${rule}`, 1, [6], 3],
  ])
  expect(found.map(({ rule }) => rule && 'spec' in rule && rule.copy)).toEqual([undefined, 2, undefined])
})

it('nft: what it prints of them, without counters; tables that iptables-nft lists are taken from there', () => {
  const own = source('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n', {
    backend: 'iptables-nft',
  })
  expect(triggersOf(rulesetOf(own, nft('iptables-nft')))).toEqual([])
  const alone = triggersOf(rulesetOf(nft('iptables-nft')))
  expect(alone.map(({ kind, rule }) => [kind, rule])).toEqual([
    ['extension', null],
    ['extension', null],
  ])
  expect(
    triggersOf(rulesetOf(nft('inet-filter'))).map(({ name, position, kind, families }) => [
      name,
      position,
      kind,
      families,
    ]),
  ).toEqual([
    [
      'nft inet filter input ct state vmap { invalid : drop, established : accept, related : accept }',
      1,
      'state',
      [4, 6],
    ],
    [
      'nft inet filter input ip saddr { 10.0.0.0/8, 192.168.1.5-192.168.1.9 } tcp dport { 22, 8000-8100 } ct state new accept comment "ssh"',
      ...[4, 'state', [4, 6]],
    ],
    ['nft inet filter input ct state established,related accept', 13, 'state', [4, 6]],
    ['nft inet filter input ct status dnat accept', 18, 'state', [4, 6]],
  ])
})

const rules = (family: string, ...list: readonly (readonly object[])[]): Trigger[] =>
  triggersOf(
    rulesetOf(
      source(JSON.stringify({ nftables: list.map(expr => ({ rule: { family, table: 't', chain: 'c', expr } })) }), {
        ...{ backend: 'nft', family: null, format: 'json' },
      }),
    ),
  )

it('nft: statements that ask, and those that do not', () => {
  const found = rules(
    'ip6',
    [{ masquerade: null }],
    [{ dnat: { addr: '2001:db8::1', port: 80 } }],
    [{ redirect: { port: 8080 } }],
    [{ flow: { op: 'add', flowtable: '@f' } }],
    [{ 'ct count': { val: 10, inv: true } }, { drop: null }],
    [{ set: { op: 'add', elem: 'x', set: '@s', stmt: [{ 'ct count': { val: 10, inv: true } }] } }, { drop: null }],
    [{ mangle: { key: { ct: { key: 'mark' } }, value: 1 } }],
    [{ mangle: { key: { meta: { key: 'mark' } }, value: { ct: { key: 'mark' } } } }],
    [{ 'ct helper': 'ftp' }],
    [{ synproxy: { mss: 1460 } }],
    [{ notrack: null }],
    [{ match: { op: '==', left: { meta: { key: 'mark' } }, right: 1 } }, { accept: null }],
  )
  expect(
    found.map(({ kind, name, rule, families }) => [kind, name.replace('nft ip6 t c ', ''), rule !== null, families]),
  ).toEqual([
    ['nat', 'masquerade', true, [6]],
    ['nat', 'dnat to [2001:db8::1]:80', true, [6]],
    ['nat', 'redirect to :8080', true, [6]],
    ['offload', 'flow add @f', true, [6]],
    ['count', 'ct count over 10 drop', true, [6]],
    ['count', expect.any(String), false, [6]],
    ['mark', expect.any(String), false, [6]],
    ['mark', expect.any(String), false, [6]],
    ['helper', 'ct helper set "ftp"', true, [6]],
    ['synproxy', expect.any(String), false, [6]],
  ])
})

it('nft: a card that is gone is printed by its number, without quotes, so nobody can name its rule', () => {
  const by = (key: string, right: unknown): Trigger[] =>
    rules('ip', [{ match: { op: '==', left: { meta: { key } }, right } }, { masquerade: null }])
  for (const gone of ['3', { set: ['eth0', '3'] }]) {
    expect(by('oif', gone)).toMatchObject([{ kind: 'nat', rule: null }])
    expect(by('iif', gone)).toMatchObject([{ kind: 'nat', rule: null }])
  }
  expect(by('oif', 'eth3')).toMatchObject([{ rule: { text: 'oif "eth3" masquerade' } }])
})

it('nft: what stands in a bridge asks for both families, and so do objects that hold on to tracking', () => {
  expect(rules('bridge', [{ match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } }])[0]).toMatchObject({
    ...{ families: [4, 6], rule: null },
  })
  const text = JSON.stringify({
    nftables: [{ 'ct timeout': { family: 'inet', name: 'short', table: 't', handle: 3 } }],
  })
  const object = triggersOf(rulesetOf(source(text, { backend: 'nft', family: null, format: 'json' })))
  expect(object).toMatchObject([{ kind: 'object', name: 'nft inet t ct timeout short', position: 0, rule: null }])
})
