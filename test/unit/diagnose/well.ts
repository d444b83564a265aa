/** Hosts of which there is nothing to be said, each of another kind. */
import type { Facts } from '../../../src/facts/facts.ts'
import { before, but, censusOf, counters, curedDebian, plainDebian, recorded, rules } from './hosts.ts'

const calm = censusOf(
  [
    ['tcp', 'ESTABLISHED', { entries: 600, assured: 600 }],
    ['udp', null, { entries: 300, unreplied: 300 }],
  ],
  {
    ports: [{ protocol: 'tcp', port: 443, entries: 600, served: 600 }],
    peers: [{ address: '10.0.0.1', entries: 500 }],
  },
)

/** firewalld applies its values again at each load of the module, so they are kept. */
const el9 = recorded('el9-firewalld')
const kube = recorded('kube-node')

const docker = recorded('docker-host-mixed')
const old = recorded('centos5')
const inside = recorded('namespace-7.2')
const plain = plainDebian()
const none: Facts['log'] = { lines: 0, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' }

const STATEFUL = [
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -m conntrack --ctstate INVALID -j DROP',
]
const FILTER = ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...STATEFUL]
const MASQUERADE = ['*nat', ':POSTROUTING ACCEPT [0:0]', '-A POSTROUTING -o eth0 -j MASQUERADE', 'COMMIT']
const RESOLVER = ['53', '123'].flatMap(port => [
  `-A PREROUTING -p udp -m udp --dport ${port} -j NOTRACK`,
  `-A OUTPUT -p udp -m udp --sport ${port} -j NOTRACK`,
])

/** A host that speaks IPv6 only: every packet of the other family is dropped. */
function sixOnly(): Facts['ruleset'] {
  const shut = ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT DROP [0:0]', 'COMMIT', '']
  const six = [
    ...FILTER,
    '-A INPUT -p ipv6-icmp -j ACCEPT',
    '-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT',
    'COMMIT',
    '',
  ]
  const source = { backend: 'iptables-legacy', format: 'save' } as const
  const sources = [
    { ...source, family: 4, text: shut.join('\n') },
    { ...source, family: 6, text: six.join('\n') },
  ] as const
  return { complete: true, sources }
}

export const WELL: readonly (readonly [string, Facts])[] = [
  ['cured and booted', but(curedDebian(), { census: calm, earlier: before(curedDebian(), {}, 895) })],
  ['as its kernel made it', plainDebian({ census: calm })],
  ['without conntrack', recorded('alpine-absent')],
  [
    'an EL 9 with firewalld and tuned',
    but(el9, {
      sysctlSettings: el9.sysctlSettings.filter(
        ({ appliedBy, file }) => appliedBy === 'sysctl' && file.startsWith('/etc/'),
      ),
    }),
  ],
  ['a kube node with room', but(kube, { count: 20_000, census: calm })],
  [
    'a gateway that translates for others',
    but(plain, {
      ...{ count: 30_000, census: calm, forwarding: { ipv4: true, ipv6: false } },
      nat: { inUse: true, evidence: ['nat: -A POSTROUTING -o eth0 -j MASQUERADE'] },
      ruleset: rules(...MASQUERADE, ...FILTER, 'COMMIT'),
    }),
  ],
  ['a Docker host', but(docker, { firewall: { ...docker.firewall, mixed: false }, buckets: 262_144 })],
  [
    'a resolver that tracks no questions, and whose packets race',
    but(plain, {
      stats: counters(plain, { drop: 4_000, insert_failed: 4_000 }),
      earlier: before(plain, { drop: 3_998, insert_failed: 3_998 }),
      ruleset: rules(
        '*raw',
        ':PREROUTING ACCEPT [0:0]',
        ':OUTPUT ACCEPT [0:0]',
        ...RESOLVER,
        'COMMIT',
        ...FILTER,
        'COMMIT',
      ),
    }),
  ],
  [
    'a tiny machine, on which some come while it is watched',
    but(plain, {
      memoryBytes: 320 * 1024 ** 2,
      max: 2_560,
      buckets: 2_560,
      count: 1_300,
      earlier: before(plain, {}, 1_290),
    }),
  ],
  ['a host that speaks IPv6 only', but(plain, { ruleset: sixOnly(), ipv6: true })],
  [
    'an older kernel with SCTP',
    but(plain, { timeouts: { ...plain.timeouts, sctp_shutdown_sent: 0, sctp_shutdown_recd: 0 } }),
  ],
  ['conntrack built in', recorded('builtin-6.18')],
  ['a container', recorded('docker-container')],
  ['a namespace, beside one that was full', but(inside, { log: inside.log && { ...inside.log, lines: 0 } })],
  [
    'a CentOS 5 with room',
    but(old, { count: 900, log: none, stats: { counters: { drop: 0, early_drop: 0, insert_failed: 0 }, cpus: 2 } }),
  ],
]
