/** Hosts that are ill in another way: other tables, the next boot, owners, rules. */
import type { Facts } from '../../../src/facts/facts.ts'
import { busy, but, type Case, calm, censusOf, counters, cured, logged, MAX, recorded, rules, sysctl } from './hosts.ts'

const FILTER = [
  '*filter',
  ':INPUT DROP [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
]
const RAW = ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]']
const UNTRACK_80 = '-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack'
const ANSWERS_80 = '-A OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack'
const LET_IN_80 = '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'

const nowhere = (facts: Facts): Facts => but(facts, { files: [], directories: [] })

export const OTHERWISE: readonly Case[] = [
  {
    host: 'with a container whose table is full',
    facts: but(calm, {
      census: censusOf([], { namespaces: [{ id: 4026532180, program: 'envoy', entries: 65_000, lost: 400 }] }),
      log: calm.log && { ...calm.log, otherNamespaceLines: 8, byNamespace: { 4026532180: 8 } },
    }),
    finds: [['namespace-full', 'critical']],
    says: /in netns 4026532180 \(envoy runs in it\)/,
    recommends: ['raise'],
  },
  {
    host: 'with lines of a namespace that its kernel does not name',
    facts: but(calm, { log: logged(12), stats: counters(calm, { drop: 0 }) }),
    finds: [['namespace-full', 'warning']],
    says: /dropped there, and not in this one/,
    recommends: [],
  },
  {
    host: 'with a full table of expectations',
    facts: but(calm, {
      log: calm.log && { ...calm.log, expectationLines: 9 },
      census: censusOf([], { expectations: 4096 }),
    }),
    finds: [['expectations-full', 'warning']],
    says: /expected connections was full, not that of connections/,
    recommends: [],
  },
  {
    host: 'leaking entries until it is full',
    facts: but(calm, {
      ...{ count: 65_536, stats: counters(calm, { drop: 10 }), log: logged(3) },
      census: { ...censusOf([['tcp', 'ESTABLISHED', { entries: 900, assured: 900 }]]), count: 65_536 },
    }),
    finds: [
      ['table-full', 'critical'],
      ['entries-leak', 'critical'],
      ['filled-by', 'notice'],
    ],
    says: /full/,
    recommends: [],
  },
  {
    host: 'raised by hand, and lost at the next boot',
    facts: but(calm, { max: 200_000, timeouts: { ...calm.timeouts, tcp_established: 7440 } }),
    finds: [
      ['lost-at-reboot', 'warning'],
      ['few-buckets', 'notice'],
    ],
    says: /the limit, timeout tcp_established will not survive a reboot/,
    recommends: ['raise', 'timeouts'],
  },
  {
    host: 'whose sysctl file is read before the module is there',
    facts: but(calm, { max: 262_144, sysctlSettings: [sysctl('/etc/sysctl.d/90-net.conf', MAX, 262_144)] }),
    finds: [
      ['other-at-boot', 'warning'],
      ['few-buckets', 'notice'],
    ],
    says: /next boot will not give/,
    recommends: ['raise'],
  },
  {
    host: 'with two files that contradict each other',
    facts: but(cured, {
      sysctlSettings: [sysctl('/etc/sysctl.d/10-a.conf', MAX, 1_000), sysctl('/etc/sysctl.d/20-b.conf', MAX, 65_536)],
    }),
    finds: [['competing-values', 'warning']],
    says: /several owners set one value: net\.netfilter\.nf_conntrack_max/,
    recommends: [],
  },
  {
    host: 'a full kube node that somebody wrote a file on',
    facts: but(recorded('kube-node'), { sysctlSettings: [sysctl('/etc/sysctl.d/99-k.conf', MAX, 1_000_000)] }),
    finds: [
      ['nearly-full', 'warning'],
      ['few-buckets', 'warning'],
      ['competing-values', 'warning'],
      ['nat-in-use', 'notice'],
    ],
    says: /99\.2 % full/,
    recommends: [],
  },
  {
    host: 'with ufw and firewalld at once',
    facts: but(calm, { ufw: { enabled: true, sysctlFile: null }, managers: ['firewalld'] }),
    finds: [['competing-firewalls', 'warning']],
    says: /firewalld, netfilter-persistent, ufw/,
    recommends: [],
  },
  {
    host: 'with two services that load rules at boot',
    facts: but(calm, { firewall: { ...calm.firewall, owner: 'netfilter-persistent', also: ['nftables'] } }),
    finds: [['competing-firewalls', 'warning']],
    says: /netfilter-persistent, nftables/,
    recommends: [],
  },
  {
    host: 'open to whoever sends from port 443',
    facts: but(calm, {
      ruleset: rules(
        ...RAW,
        '-A PREROUTING -p tcp -m tcp --sport 443 -j CT --notrack',
        '-A OUTPUT -p tcp -m tcp --dport 443 -j CT --notrack',
        'COMMIT',
        ...FILTER,
        '-A INPUT -p icmp -j ACCEPT',
        '-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT',
        'COMMIT',
      ),
    }),
    finds: [['blanket-untracked', 'critical']],
    says: /anybody reaches every port/,
    recommends: [],
  },
  {
    host: 'with NOTRACK for requests only',
    facts: but(calm, {
      ruleset: rules(...RAW, UNTRACK_80, 'COMMIT', ...FILTER, '-A INPUT -p icmp -j ACCEPT', LET_IN_80, 'COMMIT'),
      census: censusOf([['tcp', 'ESTABLISHED', { entries: 800, unreplied: 800 }]], {
        half: [{ port: 80, entries: 800 }],
      }),
    }),
    finds: [['one-way-notrack', 'warning']],
    says: /NOTRACK covers one direction only/,
    recommends: [],
  },
  {
    host: 'with a black hole for large packets',
    facts: but(calm, {
      ruleset: rules(
        ...[...RAW, UNTRACK_80, ANSWERS_80, 'COMMIT', ...FILTER],
        ...['-A INPUT -m conntrack --ctstate INVALID -j DROP', '-A INPUT -p icmp -j ACCEPT', LET_IN_80, 'COMMIT'],
      ),
    }),
    finds: [['path-mtu-black-hole', 'warning']],
    says: /stall over a smaller MTU/,
    recommends: [],
  },
  {
    host: 'with a line of modprobe.d that stops the module',
    facts: but(cured, {
      modprobeSettings: [{ file: '/etc/modprobe.d/c.conf', line: 1, text: 'options nf_conntrack hashsize = 65536' }],
    }),
    finds: [['broken-modprobe-line', 'critical']],
    says: /next boot fails to load/,
    recommends: [],
  },
  {
    host: 'with a key that no kernel has',
    facts: but(calm, {
      sysctlSettings: [sysctl('/etc/sysctl.conf', 'net.netfilter.nf_conntrack_timeout_established', 3600)],
    }),
    finds: [['recipe-mistake', 'warning']],
    says: /a line of configuration does nothing/,
    recommends: [],
  },
  {
    host: 'that forgets UDP at once',
    facts: but(calm, { timeouts: { ...calm.timeouts, udp: 0 } }),
    finds: [['timeout-zero', 'critical']],
    says: /forgotten at once: udp/,
    recommends: ['timeouts'],
  },
  {
    host: 'with more buckets than the kernel ever looks into',
    facts: but(cured, { max: 1024, count: 100, sysctlSettings: [sysctl('/etc/sysctl.d/99-zz-ctfix.conf', MAX, 1024)] }),
    finds: [['too-many-buckets', 'warning']],
    says: /1,024 entries on 65,536 buckets/,
    recommends: ['raise'],
  },
  {
    host: 'a full container',
    facts: but(recorded('docker-container'), { count: 262_144, stats: counters(calm, { drop: 3 }) }),
    finds: [
      ['table-full', 'critical'],
      // Its kernel log is not for it to read, and nothing that it misses.
      ['not-own-kernel', 'warning'],
    ],
    says: /full/,
    recommends: [],
  },
  {
    host: 'whose table even root could not read',
    facts: but(calm, { count: null, max: null }),
    finds: [['not-readable', 'warning']],
    says: /nobody can say whether the connection table is full/,
    recommends: [],
  },
  {
    host: 'of which root sees the table, and neither log, rules nor entries',
    facts: but(calm, { log: null, census: null, unreadable: ['dmesg', 'rules'] }),
    finds: [['not-readable', 'notice']],
    says: /not everything could be read/,
    recommends: [],
  },
  {
    host: 'without a limit',
    facts: but(cured, { max: 0, sysctlSettings: [sysctl('/etc/sysctl.d/99-zz-ctfix.conf', MAX, 0)] }),
    finds: [['no-limit', 'warning']],
    says: /has no limit/,
    recommends: ['raise'],
  },
  {
    host: 'looked at by a plain user',
    facts: recorded('plain-user'),
    finds: [['looked-without-root', 'notice']],
    says: /without root/,
    recommends: [],
  },
  {
    host: 'CentOS 5, raised by its file, and reset whenever the firewall starts',
    facts: but(recorded('centos5'), {
      ...{ count: 9_000, max: 262_144, buckets: 131_072, log: calm.log },
      stats: { counters: { drop: 0, early_drop: 0, insert_failed: 0 }, cpus: 2 },
      sysctlSettings: [sysctl('/etc/sysctl.conf', 'net.ipv4.netfilter.ip_conntrack_max', 262_144)],
      modprobeSettings: [{ file: '/etc/modprobe.conf', line: 2, text: 'options ip_conntrack hashsize=131072' }],
    }),
    finds: [['lost-at-restart', 'warning']],
    says: /next restart of the firewall takes ip_conntrack out/,
    recommends: ['raise'],
  },
  {
    host: 'CentOS 5, full',
    facts: recorded('centos5'),
    finds: [['table-full', 'critical']],
    says: /65,536 of 65,536/,
    recommends: ['raise'],
  },
  {
    host: 'full, with no memory for a larger table',
    facts: but(nowhere(calm), {
      ...{ count: 65_536, memoryBytes: 64 * 1024 ** 2, memoryAvailableBytes: 20 * 1024 ** 2, census: busy },
      stats: counters(calm, { drop: 5 }),
    }),
    finds: [
      ['table-full', 'critical'],
      ['lost-at-reboot', 'warning'],
      ['filled-by', 'notice'],
    ],
    says: /full/,
    recommends: [],
  },
]
