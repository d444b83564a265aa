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
  [/^ts-/, 'tailscale'],
  [/^FLANNEL-/, 'flannel'],
  [/^WEAVE/, 'weave'],
  [/^MINIUPNPD/, 'miniupnpd'],
  [/^nixos-/, 'nixos'],
]
const TABLES: readonly (readonly [RegExp, string])[] = [
  [/^firewalld$/, 'firewalld'],
  [/^fw4$/, 'openwrt'],
  [/^(kube-proxy|calico|cilium)/, 'kube-proxy'],
  [/^docker-/, 'docker'],
  [/^netavark$/, 'podman'],
  [/^libvirt_network$/, 'libvirt'],
  [/^(lxd|incus)$/, 'lxd'],
  [/^lxc$/, 'lxc-net'],
  [/^io\.systemd\.nat$/, 'systemd-networkd'],
  [/^wg-quick-/, 'wg-quick'],
]
/** Rules that programs put into chains of everybody, by what stands in them. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [/--comment "?(kubernetes |cali:|cilium|flannel)/, 'kube-proxy'],
  [/ ! -o (docker0|br-[0-9a-f]{12}) -j MASQUERADE| -[io] (docker0|br-[0-9a-f]{12}) /, 'docker'],
  [/generated for (LXD|Incus)/, 'lxd'],
  [/ -[io] virbr\d/, 'libvirt'],
  [/--comment "?wg-quick/, 'wg-quick'],
]
/** Programs that make every rule of iptables there is, each time they start, and of which families. */
const WRITERS: readonly (readonly [string, readonly string[]])[] = [
  ['shorewall', ['ip']],
  ['shorewall6', ['ip6']],
  ['ferm', ['ip', 'ip6']],
  ['firehol', ['ip', 'ip6']],
]

const byName = (list: typeof CHAINS, text: string): string | undefined =>
  list.find(([pattern]) => pattern.test(text))?.[1]

/** Who makes chains of that name; null: nobody who is known here. */
export const ownerOfChain = (chain: string): string | null => byName(CHAINS, chain) ?? null

/** null for rules of the administrator: only these may be taken out. */
export function ownerOf({ place, line }: Trigger, { firewall, managers, tracking }: Facts): string | null {
  const { chain, table, backend } = place
  const found =
    byName(CHAINS, chain) ?? (backend === 'nft' ? byName(TABLES, table) : undefined) ?? byName(LINES, ` ${line} `)
  if (found === 'docker' && firewall.owner !== 'docker' && !managers.includes('docker')) {
    // What a daemon that is gone has left behind is nobody's.
    return null
  }
  if (found) return found
  const { services = [] } = tracking ?? {}
  const writer = WRITERS.find(
    ([name, families]) =>
      families.includes(place.family) && services.some(one => one.name === name && (one.running || one.enabled)),
  )
  if (writer && backend !== 'nft') return writer[0]
  // By iptables these two write everything there is, into chains of everybody.
  const writesAll = firewall.owner === 'openwrt' || (firewall.owner === 'firewalld' && firewall.backend !== 'nft')
  return writesAll && backend !== 'nft' ? firewall.owner : null
}
