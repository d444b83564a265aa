/** Whose rule it is: programs that write rules write them again, so theirs are not ours to take out. */
import type { Facts } from '../../facts/facts.ts'
import type { Trigger } from '../../firewall/triggers.ts'

/** By the names that these programs give to chains and tables of their own. */
const CHAINS: readonly (readonly [RegExp, string])[] = [
  [/^ufw6?-/, 'ufw'],
  [/^KUBE-/, 'kube-proxy'],
  [/^cali-/, 'calico'],
  [/^(OLD_)?CILIUM_/, 'cilium'],
  [/^CNI-/, 'a container network'],
  [/^DOCKER/, 'docker'],
  [/^NETAVARK/, 'podman'],
  [/^LIBVIRT_/, 'libvirt'],
]
const TABLES: readonly (readonly [RegExp, string])[] = [
  [/^firewalld$/, 'firewalld'],
  [/^fw4$/, 'openwrt'],
  [/^(kube-proxy|calico|cilium)/, 'kube-proxy'],
  [/^docker-/, 'docker'],
  [/^netavark$/, 'podman'],
  [/^libvirt_network$/, 'libvirt'],
  [/^(lxd|incus)$/, 'lxd'],
]
/** Rules that programs put into chains of everybody, by what stands in them. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [/--comment "?(kubernetes |cali:|cilium|flannel)/, 'kube-proxy'],
  [/ ! -o (docker0|br-[0-9a-f]{12}) -j MASQUERADE| -[io] (docker0|br-[0-9a-f]{12}) /, 'docker'],
  [/generated for (LXD|Incus)/, 'lxd'],
  [/ -[io] virbr\d/, 'libvirt'],
]

/** null for rules of the administrator: only these may be taken out. */
export function ownerOf({ place, line }: Trigger, { firewall, managers }: Facts): string | null {
  const { chain, table, backend } = place
  const byName = (list: typeof CHAINS, text: string): string | undefined =>
    list.find(([pattern]) => pattern.test(text))?.[1]
  const found =
    byName(CHAINS, chain) ?? (backend === 'nft' ? byName(TABLES, table) : undefined) ?? byName(LINES, ` ${line} `)
  if (found === 'docker' && firewall.owner !== 'docker' && !managers.includes('docker')) {
    // What a daemon that is gone has left behind is nobody's.
    return null
  }
  if (found) return found
  // By iptables these two write everything there is, into chains of everybody.
  const writesAll = firewall.owner === 'openwrt' || (firewall.owner === 'firewalld' && firewall.backend !== 'nft')
  return writesAll && backend !== 'nft' ? firewall.owner : null
}
