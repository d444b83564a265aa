/** Hosts on one kernel that has conntrack built in: each tracks for itself, for as long as a rule of its own asks. */
import { existsSync, readFileSync } from 'node:fs'
import { requireTools } from '../container/exec.ts'
import { type Lab, LabUnavailable } from '../lab.ts'
import { startNamespaceHosts } from '../namespace.ts'
import { type Product, productFor } from '../product.ts'
import { FORGOTTEN, savedRules } from '../tracking/stateless.ts'
import { processes } from '../vm/processes.ts'
import type { GuestShell } from '../vm/traffic.ts'

/** What it asks for comes back to it; and an interface that is there, though the machine itself has none of that name. */
export const NEEDED = {
  filter: '-A INPUT -p udp -m conntrack --ctstate ESTABLISHED -j ACCEPT',
  nat: '-A POSTROUTING -o lab8 -j MASQUERADE',
} as const

/** What every one of them has: it is no router, and both families. Its number is its place among the hosts. */
const network = (n: number): string => `
set -e
sysctl -qw net.ipv4.ip_forward=0
ip -6 address add fd98::${n}/64 dev eth0 nodad`

const iptables = (tool: 'nft' | 'legacy', more: Parameters<typeof savedRules>[1]): string => `
mkdir -p /etc/iptables
cat >/etc/iptables/rules.v4 <<'END-OF-FILE'
${savedRules(4, more)}END-OF-FILE
cat >/etc/iptables/rules.v6 <<'END-OF-FILE'
${savedRules(6, more)}END-OF-FILE
iptables-${tool}-restore </etc/iptables/rules.v4
ip6tables-${tool}-restore </etc/iptables/rules.v6`

const NFTABLES = `#!/usr/sbin/nft -f
flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp flags & (fin | syn | rst | ack) != syn accept
		tcp dport { 22, 80 } accept
	}
}

# Somebody's container network was here once.
table inet nat {
	chain postrouting {
		type nat hook postrouting priority srcnat;
		oifname "lab9" masquerade
	}
}
`

/** Scripts that make a host, by its name. The first one is everybody's client. */
const MADE: Readonly<Record<string, string>> = {
  ns1: '',
  ns2: iptables('nft', { nat: [FORGOTTEN] }),
  ns3: iptables('legacy', { nat: [FORGOTTEN] }),
  ns4: `cat >/etc/nftables.conf <<'END-OF-FILE'\n${NFTABLES}END-OF-FILE\nnft -f /etc/nftables.conf`,
  ns5: `ip link add lab8 type veth peer name lab7
ip link set lab8 up
${iptables('nft', { filter: [NEEDED.filter], nat: [NEEDED.nat, FORGOTTEN] })}`,
}

const CLIENT = 'ns1'
/** They have one forgotten rule for each family, and nothing else that asks for tracking. */
export const STRAY = { 'iptables-nft': 'ns2', 'iptables-legacy': 'ns3', nft: 'ns4' } as const
/** It has the same ones, and others that are needed. */
export const NEEDING = 'ns5'
/** Its network is the machine's, and with it the kernel's limits. */
export const OWNER = 'ns6'
/** Its network is its own, and the limits are not. */
export const GUEST = CLIENT

const PROGRAM = readFileSync(new URL('../notrack/load.pl', import.meta.url), 'utf8')
const LOAD = `
${processes('/run/lab-load', 'load.pl')}
cat >load.pl <<'END-OF-PROGRAM'
${PROGRAM}
END-OF-PROGRAM
`
const SERVE = `${LOAD}
launch serve perl load.pl greet
until [ -n "$(ss -Hltn 'sport = :80')" ]; do
  kill -0 $(cat serve.pid) || { cat serve.log >&2; exit 1; }
  sleep 0.05
done`

/** One of the hosts has the machine's network: where conntrack is a module, blacklist would take the machine's. */
function requireBuiltIn(): void {
  const module = '/sys/module/nf_conntrack'
  if (!existsSync(module) || existsSync(`${module}/initstate`))
    throw new LabUnavailable('The hosts of this suite need a kernel that has conntrack built in, and not as a module.')
}

/** What a host's own table holds. */
export interface Table {
  /** By the kernel's own counter, of both families. */
  readonly count: number
  /** Rows from or to port 80. */
  readonly web: { readonly 4: number; readonly 6: number }
}

export class TrackedHosts implements AsyncDisposable {
  readonly lab: Lab
  /** With those that have stray rules. */
  readonly product: Product
  /** The run that changed them. */
  run = ''

  private constructor(lab: Lab) {
    this.lab = lab
    const stray: readonly string[] = [...Object.values(STRAY), NEEDING]
    this.product = productFor(
      lab,
      lab.hosts().filter(({ name }) => stray.includes(name)),
    )
  }

  static async start(): Promise<TrackedHosts> {
    requireBuiltIn()
    requireTools('namespace', {
      'iptables-legacy': 'iptables',
      'iptables-nft': 'iptables',
      nft: 'nftables',
      conntrack: 'conntrack',
      perl: 'perl-base',
    })
    const names = Object.keys(MADE)
    const lab = await startNamespaceHosts(names.length, { machineNetwork: true })
    const hosts = new TrackedHosts(lab)
    try {
      await Promise.all(
        names.map(async (name, at) => {
          await hosts.shell(name).script(`${network(at + 1)}\n${MADE[name]}`)
          if (name !== CLIENT) await hosts.shell(name).script(SERVE)
        }),
      )
      return hosts
    } catch (error) {
      await hosts[Symbol.asyncDispose]()
      throw error
    }
  }

  shell(name: string): GuestShell {
    return {
      script: async (text, timeoutMs) => {
        const { exitCode, stdout, stderr } = await this.lab.inspect(name, text, timeoutMs ? { timeoutMs } : {})
        if (exitCode === 0) return stdout
        throw new Error(`a script on ${name} ended with ${exitCode}: ${stderr}`)
      },
    }
  }

  /** n connections of each family to this host, from another one; every one of them must be answered. */
  async connect(name: string, n: number): Promise<void> {
    const [to, from] = [this.#addresses(name), this.#addresses(CLIENT)]
    const targets = to.map((address, i) => `${address},${from[i]}`).join(' ')
    const said = await this.shell(CLIENT).script(`${LOAD}\nperl load.pl burst ${to.length * n} ${targets}`)
    const { requests, failed } = JSON.parse(said)
    if (requests !== to.length * n || failed !== 0) throw new Error(`to ${name}: ${said}`)
  }

  #addresses(name: string): string[] {
    const at = this.lab.hosts().findIndex(host => host.name === name)
    return [String(this.lab.hosts()[at]?.vars.ansible_host), `fd98::${at + 1}`]
  }

  async table(name: string): Promise<Table> {
    const rows = `awk '/ [sd]port=80 / { web[$1]++ } END { print web["ipv4"] + 0, web["ipv6"] + 0 }' /proc/net/nf_conntrack`
    const said = await this.shell(name).script(`${rows}\ncat /proc/sys/net/netfilter/nf_conntrack_count`)
    const [v4 = 0, v6 = 0, count = 0] = said.trim().split(/\s/).map(Number)
    return { count, web: { 4: v4, 6: v6 } }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.product[Symbol.dispose]()
    await this.lab[Symbol.asyncDispose]()
  }
}
