/** Facts for tests: a healthy modular Debian host, and what differs from it. */
import type { Facts, FileFact } from '../../src/facts/facts.ts'
import { OWNER_FILES } from '../../src/facts/files.ts'

const WRITABLE_FILES = [
  '/etc/sysctl.conf',
  '/etc/sysctl.d/99-zz-ctfix.conf',
  '/etc/modprobe.d/00-ctfix-blacklist.conf',
  '/etc/modprobe.d/zz-ctfix.conf',
  '/etc/modprobe.conf',
  '/etc/modules-load.d/ctfix.conf',
  '/etc/modules',
  '/etc/sysconfig/iptables-config',
  '/etc/sysconfig/ip6tables-config',
  '/etc/sysconfig/modules/ctfix.modules',
  '/etc/sysupgrade.conf',
]

/** A file that is there, with Debian's usual mode and owner. */
export function file(path: string, content: string): FileFact {
  return { path, state: { content, mode: '0644', owner: '0:0', label: null }, refused: null }
}

const absent = (path: string): FileFact => ({ path, state: null, refused: null })

const HEALTHY: Facts = {
  kernel: '6.1.0-50-cloud-amd64',
  machine: 'x86_64',
  os: 'Debian GNU/Linux 12 (bookworm)',
  init: 'systemd',
  bootId: '11111111-1111-1111-1111-111111111111',
  machineId: '22222222222222222222222222222222',
  uptimeSeconds: 86_400,
  root: true,
  family: 'nf_conntrack',
  providedBy: 'module',
  count: 1_000,
  max: 65_536,
  buckets: 65_536,
  usage: 1_000 / 65_536,
  timeouts: {
    tcp_established: 432_000,
    tcp_time_wait: 120,
    tcp_close_wait: 60,
    tcp_fin_wait: 120,
    udp: 30,
    udp_stream: 120,
    icmp: 30,
    generic: 600,
  },
  stats: { counters: { drop: 0, early_drop: 0, insert_failed: 0, chainlength: 0 }, cpus: 2 },
  earlier: null,
  log: { lines: 0, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' },
  states: null,
  flows: null,
  memoryBytes: 8 * 1024 ** 3,
  memoryAvailableBytes: 6 * 1024 ** 3,
  entryBytes: 256,
  pageBytes: 4096,
  nat: { inUse: false, evidence: [] },
  statefulRules: [],
  ruleset: null,
  ownNft: null,
  tracking: null,
  firewall: { owner: 'netfilter-persistent', backend: 'iptables-nft', mixed: false },
  managers: [],
  tools: { conntrack: true, iptables: true, ip6tables: true, nft: true },
  ipv6: true,
  forwarding: { ipv4: false, ipv6: false },
  localPorts: { from: 32_768, to: 60_999 },
  writable: { max: true, buckets: true, etc: true },
  ownsKernel: true,
  container: null,
  modules: [{ name: 'nf_conntrack', refs: 1, users: ['xt_conntrack'] }],
  sysctlSettings: [],
  modprobeSettings: [],
  moduleLoadSettings: [],
  files: WRITABLE_FILES.map(absent),
  directories: ['/etc/sysctl.d', '/etc/modprobe.d', '/etc/modules-load.d'],
  ufw: null,
  managementPath: null,
  passive: { modules: 'same', tables: 'same' },
  unreadable: [],
}

/** The healthy host with some facts replaced; given files replace those of the same path; usage follows count and max. */
export function makeFacts(differences: Partial<Facts> = {}): Facts {
  const facts = { ...HEALTHY, ...differences }
  const given = differences.files ?? []
  // As on a host, files of firewalls are read with the rules only.
  const asked = facts.ruleset ? [...HEALTHY.files, ...OWNER_FILES.map(absent)] : HEALTHY.files
  const files = asked.map(known => given.find(({ path }) => path === known.path) ?? known)
  const usage = facts.max && facts.count !== null ? facts.count / facts.max : null
  return { ...facts, files, usage: differences.usage ?? usage }
}

/** A CentOS 5 host whose table is full. */
export const CENTOS5: Partial<Facts> = {
  kernel: '2.6.18-274.7.1.el5',
  init: 'sysvinit',
  family: 'ip_conntrack',
  count: 65_536,
  max: 65_536,
  buckets: 8_192,
  stats: { counters: { drop: 4013, early_drop: 0, insert_failed: 0 }, cpus: 2 },
  log: { lines: 10, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' },
  directories: ['/etc/sysconfig', '/etc/sysconfig/modules', '/etc/modprobe.d'],
  files: [
    file('/etc/sysctl.conf', '# Kernel sysctl configuration file\nnet.ipv4.ip_forward = 0\n'),
    file('/etc/modprobe.conf', 'alias eth0 e1000\n'),
    file(
      '/etc/sysconfig/iptables-config',
      'IPTABLES_MODULES="ip_conntrack_netbios_ns"\nIPTABLES_MODULES_UNLOAD="yes"\n',
    ),
  ],
}
