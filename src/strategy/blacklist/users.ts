/** What lives on conntrack besides rules: programs that run or that boot starts, modules, translation, forwarding. */
import type { Facts } from '../../facts/facts.ts'
import type { Blocker } from '../strategy.ts'
import { foreign } from './modules.ts'

const blocker = (code: string, message: string, forceable = false): Blocker => ({ code, message, forceable })

/** Programs that make rules or entries of their own, by the names of facts.managers. */
const USERS = new Map([
  ...['docker', 'libvirt', 'podman', 'lxd'].map(name => [name, 'translates for its guests'] as const),
  ...['kube-proxy', 'kubelet', 'cilium', 'calico'].map(name => [name, 'makes services and policies of it'] as const),
  ...['containerd', 'crio'].map(name => [name, 'may translate for its containers'] as const),
  ['openvswitch', 'switches by it'],
  ['ip_vs', 'balances by it'],
  ['conntrackd', 'carries its entries to another host'],
  ['keepalived', 'runs virtual servers that use it'],
])
/** How its containers get their addresses is somebody else's choice. */
const PERHAPS = ['containerd', 'crio']

/** Names of services that are not those of what they start. */
const STARTS: Readonly<Record<string, string>> = {
  ...{ libvirtd: 'libvirt', virtqemud: 'libvirt', virtnetworkd: 'libvirt' },
  ...{ 'openvswitch-switch': 'openvswitch', k3s: 'kube-proxy', 'k3s-agent': 'kube-proxy' },
  ...{ 'snap.lxd.daemon': 'lxd', incus: 'lxd' },
}

/** Which user of conntrack a service starts; null: none that is known. */
export function userOf(service: string): string | null {
  const name = STARTS[service] ?? service
  return USERS.has(name) ? name : null
}

/** What lives on tracking here besides rules. */
export function userBlockers(facts: Facts, stopping: boolean): Blocker[] {
  const { nat, forwarding, modules, tracking } = facts
  const atBoot = (tracking?.services ?? []).flatMap(({ name, enabled }) => (enabled ? (userOf(name) ?? []) : []))
  const managers = [...new Set([...facts.managers, ...atBoot])]
  const programs = managers.flatMap(name => {
    const does = USERS.get(name)
    const where = facts.managers.includes(name) ? 'runs here' : 'is started at boot'
    return does ? [blocker('module-in-use', `${name} ${where} and ${does}`, PERHAPS.includes(name))] : []
  })
  const names = foreign(modules ?? []).filter(name => !managers.includes(name))
  const held =
    names.length > 0 ? [blocker('module-in-use', `${names.join(', ')} of the kernel stands on conntrack`)] : []
  const message = `addresses are translated here (${nat.evidence[0] ?? 'nobody says how'})`
  // Whoever stops the firewall may mean its translation, too.
  const nats = nat.inUse ? [blocker('nat-in-use', message, stopping)] : []
  const forwards = forwarding.ipv4 || forwarding.ipv6
  const others = 'this host forwards packets: what it filters or translates for others would not be any more'
  return [...nats, ...(forwards ? [blocker('forwards', others, stopping || !nat.inUse)] : []), ...programs, ...held]
}
