/** What kind of machine this is: its init, who runs on it, whose kernel it has, what may be written. */
import type { Facts, Family, FirewallOwner, InitSystem } from './facts.ts'
import { maxPath } from './kernel.ts'
import { isRoot, type Look } from './look.ts'
import type { Rules } from './rules.ts'

/** By what runs, never by the name of a distribution. */
export function initOf(look: Look): InitSystem {
  const exists = (path: string): boolean => look.present.has(path)
  if (exists('/run/systemd/system')) return 'systemd'
  if (exists('/run/openrc')) return 'openrc'
  if (exists('/sbin/procd')) return 'procd'
  return exists('/etc/inittab') || exists('/etc/rc.d/init.d') || exists('/etc/init.d') ? 'sysvinit' : 'unknown'
}

/** Names of the programs that run, of those the probe asks for. */
function programsOf(look: Look): Set<string> {
  const names = look.lines.flatMap(({ file, text }) => {
    if (!/^\/proc\/\d+\/(comm|stat)$/.test(file)) return []
    return /^\d+ \((.+)\)/.exec(text)?.[1] ?? text
  })
  return new Set(names)
}

const MANAGERS: Readonly<Record<string, readonly string[]>> = {
  // k3s and microk8s run it inside their one program.
  'kube-proxy': ['kube-proxy', 'kubelite', 'k3s', 'k3s-server', 'k3s-agent'],
  kubelet: ['kubelet'],
  cilium: ['cilium-agent'],
  calico: ['calico-node'],
  docker: ['dockerd'],
  containerd: ['containerd'],
  crio: ['crio'],
  lxd: ['lxd', 'incusd'],
  podman: ['podman'],
  libvirt: ['libvirtd', 'virtqemud'],
  openvswitch: ['ovs-vswitchd'],
  conntrackd: ['conntrackd'],
  keepalived: ['keepalived'],
  firewalld: ['firewalld'],
  tuned: ['tuned'],
}

/** Who else manages or holds conntrack here. */
export function managersOf(look: Look, rules: Rules): string[] {
  const running = programsOf(look)
  const names = Object.entries(MANAGERS).flatMap(([name, programs]) =>
    programs.some(program => running.has(program)) ? [name] : [],
  )
  const loaded = (module: string): boolean =>
    (look.values.get('/proc/modules') ?? []).some(line => line.startsWith(`${module} `))
  // In a namespace of its own kube-proxy is not seen, but its chains are.
  if (rules.kubernetes) names.push('kube-proxy')
  if (loaded('openvswitch')) names.push('openvswitch')
  if (loaded('ip_vs') || look.lines.some(({ file }) => file === '/proc/net/ip_vs')) names.push('ip_vs')
  return [...new Set(names)].toSorted()
}

/**
 * First who rewrites all rules by itself, then who restores them at boot. Docker puts its own among those of others, and is
 * asked last: what restores rules at boot throws out all that it does not know.
 */
export function ownersOf(look: Look, managers: readonly string[], ufw: Facts['ufw']): FirewallOwner[] {
  const managed = (...names: readonly string[]): boolean => names.some(name => managers.includes(name))
  const unit = (name: string): boolean =>
    [...look.present.keys()].some(
      path => path.endsWith(`:${name}.service`) || path.endsWith(`.wants/${name}.service`),
    ) || isActive(look, name)
  const started = (name: string): boolean =>
    unit(name) ||
    [...look.present.keys()].some(path => new RegExp(`/(S\\d\\d|runlevels/.*/|subsys/)${name}$`).test(path))
  const signs: readonly (readonly [FirewallOwner, boolean])[] = [
    ['kube-proxy', managed('kube-proxy', 'kubelet', 'cilium', 'calico')],
    ['firewalld', managed('firewalld') || unit('firewalld')],
    ['ufw', ufw?.enabled === true],
    ['iptables-services', started('iptables') || started('ip6tables')],
    ['netfilter-persistent', unit('netfilter-persistent')],
    ['nftables', started('nftables')],
    ['docker', managed('docker')],
    ['openwrt', look.present.has('/sbin/fw4') || look.present.has('/sbin/fw3')],
  ]
  return signs.filter(([, isThere]) => isThere).map(([name]) => name)
}

/** Order in which the probe asks an older systemd, one answer a line. */
const ASKED = ['firewalld', 'ufw', 'iptables', 'ip6tables', 'netfilter-persistent', 'nftables', 'docker', 'tuned']

function isActive(look: Look, name: string): boolean {
  return look.sections.get('units')?.split('\n')[ASKED.indexOf(name)] === 'active'
}

/** The kernel's own number for the first PID namespace, since 3.8 (PROC_PID_INIT_INO in include/linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'

/**
 * A machine whose disk was made from a container image still has the image's mark. It runs in the kernel's first PID
 * namespace and from a disk; a container has at least one of these not. What is asked after the marks goes for it too.
 */
function isLeftOverMark(look: Look): boolean {
  const root = look.lines.findLast(({ file, text }) => file === '/proc/mounts' && text.split(' ')[1] === '/')?.text
  const onDisk = /^\/dev\/\S+ \/ (ext[234]|xfs|btrfs) /.test(root ?? '')
  return onDisk && look.entries.get('/proc/self/ns/pid')?.leadsTo === FIRST_PID_NAMESPACE
}

/** What says that limits here are somebody else's; null when nothing does. */
export function containerOf(look: Look, family: Family | null): string | null {
  const named =
    look.values.get('/run/systemd/container')?.[0]?.trim() ??
    /container=([a-z-]+)/.exec(look.sections.get('container') ?? '')?.[1]
  if (named) return named
  const exists = (path: string): boolean => look.present.has(path)
  if (!isLeftOverMark(look)) {
    if (exists('/.dockerenv')) return 'docker'
    if (exists('/run/.containerenv')) return 'podman'
  }
  // The host of OpenVZ has both of the latter two.
  const modules = look.values.get('/proc/modules') ?? []
  if ((exists('/proc/user_beancounters') || exists('/proc/vz')) && !exists('/proc/bc')) return 'openvz'
  if (modules.some(line => /^\S+ \d+ -2 /.test(line))) return 'openvz'
  if (exists('/dev/lxd') || exists('/dev/.lxc')) return 'lxc'
  const groups = (look.values.get('/proc/1/cgroup') ?? []).join('\n')
  const group = /\/(docker|lxc|kubepods|libpod)\b/.exec(groups)?.[1]
  if (group) return group
  const first = look.entries.get('/proc/1/ns/net')?.leadsTo
  const own = look.entries.get('/proc/self/ns/net')?.leadsTo
  if (first && own && first !== own) return 'netns'
  if (family === null || !look.values.has(maxPath(family))) return null
  const mode = look.entries.get(maxPath(family))?.mode
  if (mode !== undefined && !isOwnerWritable(mode)) return 'limits read-only'
  // The short spelling is registered in the first namespace only.
  return family === 'nf_conntrack' && !exists('/proc/sys/net/nf_conntrack_max') ? 'netns' : null
}

function isOwnerWritable(mode: string): boolean {
  return (Number.parseInt(mode, 8) & 0o200) !== 0
}

/** What root could write. Access tests are not enough: root passes those that look at modes, and files of a namespace lie. */
export function writableOf(look: Look, family: Family | null, container: string | null): Facts['writable'] {
  const can = (path: string): boolean => {
    const entry = look.entries.get(path)
    const allowed = look.present.get(path)?.writable === true && !isReadOnlyMount(look, path)
    return allowed && (entry === undefined || isOwnerWritable(entry.mode))
  }
  const root = isRoot(look)
  const buckets = [`/sys/module/${family}/parameters/hashsize`, '/proc/sys/net/netfilter/nf_conntrack_buckets']
  return {
    max: root && family !== null && can(maxPath(family)),
    // In another namespace than the first the parameter has the same mode, and a write fails.
    buckets: root && family !== null && container === null && buckets.some(can),
    etc: root && can('/etc'),
  }
}

/** The deepest mount above a path decides, and the last one made there. */
function isReadOnlyMount(look: Look, path: string): boolean {
  const mounts = look.lines.filter(({ file }) => file === '/proc/mounts').map(({ text }) => text.split(' '))
  const above = mounts.filter(([, at = '']) => at === '/' || path === at || path.startsWith(`${at}/`))
  const deepest = above.reduce((length, [, at = '']) => Math.max(length, at.length), 0)
  const mount = above.findLast(([, at = '']) => at.length === deepest)
  return mount?.[3]?.split(',').includes('ro') ?? false
}
