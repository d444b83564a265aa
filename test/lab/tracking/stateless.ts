/** A host that needs no state: answers are told by their flags, ports are open to whoever asks. */
import type { GuestShell } from '../vm/traffic.ts'

interface More {
  readonly filter?: readonly string[]
  readonly nat?: readonly string[]
}

/** Its rules as iptables saves them, and more of the tables filter and nat. */
export const savedRules = (family: 4 | 6, { filter = [], nat = [] }: More = {}): string => `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p ${family === 4 ? 'icmp' : 'ipv6-icmp'} -j ACCEPT
-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
${['-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT', ...filter].join('\n')}
COMMIT
${nat.length > 0 ? natTable(nat) : ''}`

/** Somebody's container network was here once; its interface is gone, and its rule is not. */
export const FORGOTTEN = '-A POSTROUTING -o lab9 -j MASQUERADE'

const natTable = (rules: readonly string[]): string => `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
${rules.join('\n')}
COMMIT
`

/** Its rules are those of netfilter-persistent, live and saved. `forgotten`: with a rule that translates for nobody. */
export async function makeStateless(guest: GuestShell, { forgotten = false } = {}): Promise<void> {
  await guest.script(
    `set -e
cat >/etc/iptables/rules.v4 <<'END-OF-FILE'
${savedRules(4, forgotten ? { nat: [FORGOTTEN] } : {})}END-OF-FILE
cat >/etc/iptables/rules.v6 <<'END-OF-FILE'
${savedRules(6)}END-OF-FILE
nft flush ruleset
systemctl restart netfilter-persistent`,
    60_000,
  )
}

/** Loads conntrack as a rule would, and leaves no rule behind that asks for it. */
export async function loadConntrack(guest: GuestShell): Promise<void> {
  await guest.script('modprobe nf_conntrack\nmodprobe xt_conntrack\nmodprobe nft_ct')
}
