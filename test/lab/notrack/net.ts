/**
 * The world around a guest: clients on the next link, and one far away behind a link too small for a full packet. Both
 * are namespaces in the guest, so that all of their traffic crosses its firewall and none of it this machine's network.
 */
import type { GuestShell } from '../vm/traffic.ts'

export type Family = 4 | 6

/** The guest, as its clients know it. */
export const SERVER = { 4: '10.99.1.1', 6: 'fd99:1::1' } as const

/** Of the clients on the next link: enough of them that no burst comes back to a port that is not free again yet. */
export const CLIENTS = { 4: [2, 3, 4, 5].map(n => `10.99.1.${n}`), 6: [2, 3, 4, 5].map(n => `fd99:1::${n}`) } as const

/** What fits through the link to the far client, which believes it has an Ethernet all the way. */
const SMALL_MTU = 1400

const SETUP = `
set -e
if ! ip netns pids near >/dev/null 2>&1; then
  ip netns add near
  ip netns add far
  ip link add lab1 type veth peer name eth0 netns near
  ip -n near link add eth1 mtu ${SMALL_MTU} type veth peer name eth0 mtu 1500 netns far
  ip netns exec near sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  ip address add ${SERVER[4]}/24 dev lab1
  ip -6 address add ${SERVER[6]}/64 dev lab1 nodad
  for n in 2 3 4 5; do
    ip -n near address add 10.99.1.$n/24 dev eth0
    ip -n near -6 address add fd99:1::$n/64 dev eth0 nodad
  done
  ip -n near address add 10.99.2.1/24 dev eth1
  ip -n near -6 address add fd99:2::1/64 dev eth1 nodad
  ip -n far address add 10.99.2.2/24 dev eth0
  ip -n far -6 address add fd99:2::2/64 dev eth0 nodad
  ip link set lab1 up
  for link in lo eth0 eth1; do ip -n near link set $link up; done
  for link in lo eth0; do ip -n far link set $link up; done
  ip route add 10.99.2.0/24 via 10.99.1.2
  ip -6 route add fd99:2::/64 via fd99:1::2
  ip -n far route add default via 10.99.2.1
  ip -n far -6 route add default via fd99:2::1
fi
`

/** Builds it; a boot takes it away. */
export async function buildNet(guest: GuestShell): Promise<void> {
  await guest.script(SETUP)
}
