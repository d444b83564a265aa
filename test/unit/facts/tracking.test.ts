/** What tracking.sh printed, understood; what it prints on which host is seen in test/sh/probe-tracking.test.ts. */
import { describe, expect, it } from 'vitest'
import type { TrackingFacts } from '../../../src/facts/asked.ts'
import type { Look } from '../../../src/facts/look.ts'
import { needsTracking } from '../../../src/facts/rules.ts'
import { trackingOf } from '../../../src/facts/tracking.ts'

function parse(sections: Readonly<Record<string, string>>): TrackingFacts {
  const named = Object.entries({ modules: '', ...sections }).map(([name, text]) => [`tracking-${name}`, text] as const)
  const look: Look = {
    host: 'h',
    sections: new Map(named),
    values: new Map(),
    present: new Map(),
    entries: new Map(),
    lines: [],
  }
  return trackingOf(look) ?? expect.unreachable()
}

describe('what modprobe would do', () => {
  const dryRun = (...lines: readonly string[]) =>
    parse({ 'dry-runs': ['try nf_conntrack', ...lines].join('\n') }).dryRuns.nf_conntrack

  it.each([
    ['a file', ['insmod /lib/x/nf_defrag_ipv4.ko', 'insmod /lib/x/nf-conntrack.ko.zst hashsize=1'], 'loads'],
    ['it is built in', ['builtin nf_conntrack'], 'loads'],
    ['a command that loads it', ['install /sbin/modprobe --ignore-install nf_conntrack && sysctl -p'], 'loads'],
    ['a command that does not', ['install /bin/false '], 'refused'],
    ['one that does nothing', ['install /bin/true'], 'refused'],
    ['one before it that does not', ['install :', 'insmod /lib/x/nf_conntrack.ko'], 'refused'],
    ['there is no such module', ['#failed'], 'no-such-module'],
    ['it was cut off', ['insmod /lib/x/nf_defrag_ipv4.ko', '#failed'], 'unreadable'],
    ['another module', ['insmod /lib/x/nf_defrag_ipv4.ko'], 'unreadable'],
    ['silence', [], 'unreadable'],
    ['nobody could be asked', ['#unreadable'], 'unreadable'],
  ] as const)('%s', (_what, lines, run) => {
    expect(dryRun(...lines)).toBe(run)
  })
})

describe('a line of a saved file needs tracking', () => {
  it.each([
    '-A INPUT -m state --state NEW -j ACCEPT',
    '-A INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A PREROUTING -j CT --zone 3',
    '-A INPUT -m connlimit --connlimit-above 3 -j DROP',
    '*nat',
    'iptables -t nat -F',
    'iptables --table nat -F',
    '$IPT -A INPUT --match state --state NEW --jump ACCEPT',
    '$IPT -A INPUT -mstate --state NEW -jACCEPT',
    'iptables -A POSTROUTING -o eth0 -j MASQUERADE',
    'ct state vmap { established : accept }',
    'nft add rule inet a b {ct state new accept}',
    'type nat hook postrouting priority 100;',
    'ip daddr 1.2.3.4 dnat to 5.6.7.8',
    'flowtable f { hook ingress priority 0; }',
  ])('%s', line => {
    expect(needsTracking(line)).toBe(true)
  })

  it.each([
    '-A INPUT -p tcp --dport 22 -j ACCEPT',
    '-A PREROUTING -p tcp --dport 80 -j CT --notrack',
    '-A PREROUTING -j NOTRACK',
    'tcp dport 80 notrack',
    'iptables -t raw -A PREROUTING -j CT --notrack',
    '*filter',
    'ct helper set "ftp"',
    '-A INPUT -m comment --comment "contact me" -j ACCEPT',
  ])('no: %s', line => {
    expect(needsTracking(line)).toBe(false)
  })
})

it('nothing of it where nobody asked, and nothing invented where the host says nothing', () => {
  const look: Look = {
    host: 'h',
    sections: new Map(),
    values: new Map(),
    present: new Map(),
    entries: new Map(),
    lines: [],
  }
  expect(trackingOf(look)).toBeNull()
  expect(parse({})).toEqual({
    available: null,
    dryRuns: {},
    initramfs: null,
    savedRules: [],
    savedUntracking: [],
    savedSeen: [],
    savedUnread: [],
    services: [],
    interfaces: [],
    otherNamespaces: 0,
    ownConnection: null,
    resolvers: [],
    timeServers: [],
  })
})

it('lines that only untrack are kept apart from those that ask', () => {
  const saved = [
    '-A PREROUTING -j CT --notrack',
    '-A PREROUTING -j NOTRACK',
    'tcp dport 80 notrack',
    'ct state new accept',
  ]
  const lines = saved.map((text, i) => `line /etc/a:${i + 1}:${text}\n`).join('')
  const found = parse({ saved: `${lines}seen /etc/a\n` })
  expect(found.savedUntracking?.map(({ line }) => line)).toEqual([1, 2, 3])
  expect(found.savedRules.map(({ line }) => line)).toEqual([4])
  expect(found.savedSeen).toEqual(['/etc/a'])
})

it('a list without a module is a list', () => {
  expect(parse({ modules: 'list\n\n' }).available).toEqual([])
  expect(
    parse({ modules: 'list\n/lib/modules/2.6.18/ip-conntrack.ko: /lib/modules/2.6.18/nfnetlink.ko\n' }).available,
  ).toEqual([{ name: 'ip_conntrack', needs: ['nfnetlink'] }])
})

it('an image that dracut lists, and one of which nobody knows how it is made', () => {
  const image = 'image /boot/initramfs-x.img\n-rw-r--r-- 1 root root 9 Jan 1 usr/lib/modules/x/nf_conntrack.ko.xz\n'
  expect(parse({ image: `${image}drwxr-xr-x 2 root root 0 Jan 1 usr\n#whole\n` }).initramfs).toEqual({
    path: '/boot/initramfs-x.img',
    tool: null,
    holds: ['nf_conntrack'],
  })
  // Cut off: that is no image which holds nothing.
  const unread = { path: '/boot/initramfs-x.img', tool: null, holds: [], unread: true }
  expect(parse({ image: `${image}usr\n` }).initramfs).toEqual(unread)
  expect(parse({ image: 'image /boot/initramfs-x.img\n' }).initramfs).toEqual(unread)
})

it('a table too long to be looked through says nothing of our own connection', () => {
  expect(parse({ place: 'own unknown\n' }).ownConnection).toBeNull()
})
