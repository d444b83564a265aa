/**
 * What one read-only look at a host showed. Plain data, never changed.
 * `null` = looked, and it is not there (or not readable: `unreadable` says which). Numbers are in the unit the name says.
 */
import type { Census, FlowEntries, OwnNft, TrackingFacts } from './asked.ts'
import type { LogEvidence } from './log.ts'
import type { Setting } from './setting.ts'

export type { LogEvidence, Setting }

/** Module and sysctl naming of this kernel, by the files that exist; never by its version. */
export type Family = 'nf_conntrack' | 'ip_conntrack'

export interface Stats {
  /** Sum over CPUs of each column, by the header's own name. `entries` is not summed: each row repeats it. */
  readonly counters: Readonly<Record<string, number>>
  readonly cpus: number
}

/** Sysctl keys of conntrack that some file sets, in the order in which boot applies the files (the last one wins). */
export interface SysctlSetting extends Setting {
  /** Dotted, normalised: `net.netfilter.nf_conntrack_max`. */
  readonly key: string
  readonly value: string
  /** Who applies it: at boot (`sysctl`), later and over it (`ufw`, `tuned`), or later but with /etc over it again (`tuned-first`). */
  readonly appliedBy: 'sysctl' | 'ufw' | 'tuned' | 'tuned-first'
}

/** A file ctfix may write: its whole content and ownership. */
export interface FileState {
  /** UTF-8 text. A file that is none is not offered (see `FileFact`). */
  readonly content: string
  /** Octal, four digits: `0644`. */
  readonly mode: string
  /** Numeric `uid:gid`. */
  readonly owner: string
  /** SELinux label, where the host has one. */
  readonly label: string | null
  /** Its directory is made for it, and goes with it when nothing else is in it. */
  readonly ownDirectory?: true
}

export interface FileFact {
  readonly path: string
  /** null = absent. */
  readonly state: FileState | null
  /** Set when it exists but cannot be taken over safely (a link, binary, too large, unreadable): why. */
  readonly refused: string | null
}

/** The live rules as the tools that own them print them; firewall/ understands them. */
export interface RulesetText {
  readonly sources: readonly RulesetSource[]
  /** False when a tool failed or is missing, or there was more than the probe sends: what is not here may still exist. */
  readonly complete: boolean
}

export interface RulesetSource {
  readonly backend: 'iptables-legacy' | 'iptables-nft' | 'nft'
  /** null: nft, where each table says it. */
  readonly family: 4 | 6 | null
  /** `save`: iptables-save; `json`: nft -j; `text`: an nft without JSON, which is kept but not understood. */
  readonly format: 'save' | 'json' | 'text'
  readonly text: string
}

export type InitSystem = 'systemd' | 'openrc' | 'sysvinit' | 'procd' | 'unknown'

export type FirewallOwner =
  | 'kube-proxy'
  | 'docker'
  | 'firewalld'
  | 'ufw'
  | 'iptables-services'
  | 'netfilter-persistent'
  | 'nftables'
  | 'openwrt'
  | 'none'

export interface LoadedModule {
  readonly name: string
  /** Reference count; 0 too where the kernel cannot unload. */
  readonly refs: number
  readonly users: readonly string[]
  /** It is being taken out, and the kernel waits for what still holds it: neither there nor gone. */
  readonly unloading?: true
}

export interface Facts {
  /** `uname -r`, `uname -m`. */
  readonly kernel: string
  readonly machine: string
  /** `PRETTY_NAME`, or the first line of a release file. For people to read, never to decide on. */
  readonly os: string | null
  readonly init: InitSystem
  readonly bootId: string | null
  readonly machineId: string | null
  readonly uptimeSeconds: number
  /** Effective user of the probe was root. Without it much is unreadable. */
  readonly root: boolean

  readonly family: Family | null
  readonly providedBy: 'module' | 'builtin' | 'absent'
  readonly count: number | null
  readonly max: number | null
  /** From the hashsize parameter file where readable, else the sysctl. */
  readonly buckets: number | null
  /** count / max; null when max is 0 (unlimited on old kernels) or unknown. */
  readonly usage: number | null
  /** Seconds, by the sysctl's name without its prefix and `timeout`: `tcp_established`, `udp`, `udp_stream`, `icmp`, `generic`. */
  readonly timeouts: Readonly<Record<string, number>>
  /** null: the kernel offers no stat file. */
  readonly stats: Stats | null
  /** The same counters some seconds earlier, when the probe was asked to watch for a while. */
  readonly earlier: {
    readonly stats: Stats | null
    /** Entries in the table then. Missing: nobody could read it. */
    readonly count?: number
    readonly log: LogEvidence | null
    readonly secondsBefore: number
  } | null
  /** null: no kernel log could be read, which is not the same as an empty one. */
  readonly log: LogEvidence | null
  /** Live entries by timeout name (`tcp_established`, `udp`): read only when asked for and readable; at most 20,000 rows looked at. */
  readonly states: Readonly<Record<string, number>> | null
  /** Live entries of given flows; null when none were asked for, or there is no table to read. At most 300,000 rows looked at. */
  readonly flows: FlowEntries | null

  /** Missing: nobody asked. null: there is no table to read here. */
  readonly census?: Census | null

  readonly memoryBytes: number
  readonly memoryAvailableBytes: number | null
  /** Bytes of one conntrack entry by /proc/slabinfo; null when unreadable. */
  readonly entryBytes: number | null
  readonly pageBytes: number

  readonly nat: { readonly inUse: boolean; readonly evidence: readonly string[] }
  /**
   * Live rules that need connection tracking, one line each, with their table: `filter: -A INPUT -m conntrack …`,
   * `ip6 filter: …`, and from nft family, table and chain: `inet filter input: ct state new accept`. At most 400;
   * `unreadable` has `rules` when there may be more.
   */
  readonly statefulRules: readonly string[]
  /** Every live rule; null when the probe was not asked for them. */
  readonly ruleset: RulesetText | null
  /** null when the rules were not asked for, or there is no nft to ask. */
  readonly ownNft: OwnNft | null
  /** null when the probe was not asked for it. */
  readonly tracking: TrackingFacts | null
  readonly firewall: {
    readonly owner: FirewallOwner
    /** Others that put rules of their own in force when they start, and that boot starts. Missing: there are none. */
    readonly also?: readonly FirewallOwner[]
    readonly backend: 'iptables-legacy' | 'iptables-nft' | 'nft' | null
    /** Both backends hold rules: a real failure mode, worth saying. */
    readonly mixed: boolean
  }
  /** What else manages or holds conntrack here: `kube-proxy`, `docker`, `openvswitch`, `ip_vs`, `conntrackd`, `tuned`. */
  readonly managers: readonly string[]
  /** Tools that are there, by name; nobody started them to find out. */
  readonly tools: {
    readonly conntrack: boolean
    readonly iptables: boolean
    readonly ip6tables: boolean
    readonly nft: boolean
  }
  /** Some interface has an IPv6 address. */
  readonly ipv6: boolean
  readonly forwarding: { readonly ipv4: boolean; readonly ipv6: boolean }
  /** Ports this host chooses from for connections that it begins (net.ipv4.ip_local_port_range); null when unreadable. */
  readonly localPorts: { readonly from: number; readonly to: number } | null

  readonly writable: { readonly max: boolean; readonly buckets: boolean; readonly etc: boolean }
  /** False in a container or a network namespace of its own: limits are somebody else's. */
  readonly ownsKernel: boolean
  /** What says so: `docker`, `lxc`, `openvz`, `netns`, `limits read-only`; null when it owns its kernel. */
  readonly container: string | null

  /** Loaded modules that have to do with conntrack. null: no /proc/modules. */
  readonly modules: readonly LoadedModule[] | null

  /** In boot's order; the last one wins. */
  readonly sysctlSettings: readonly SysctlSetting[]
  /** modprobe.d lines (options, install, blacklist, softdep) that name conntrack modules. */
  readonly modprobeSettings: readonly Setting[]
  /** Lines of modules-load.d, /etc/modules and sysconfig/modules that name conntrack modules. */
  readonly moduleLoadSettings: readonly Setting[]
  /** Files a strategy may write, whether they exist or not; those of firewalls only where the rules were asked for. */
  readonly files: readonly FileFact[]
  /**
   * Directories that exist among the ones strategies choose from (`/etc/sysctl.d`, …), and the links and marks that say
   * whose saved rules are restored at boot (`/etc/rc.d/rc3.d/S08ip6tables`, …).
   */
  readonly directories: readonly string[]
  readonly ufw: { readonly enabled: boolean; readonly sysctlFile: string | null } | null

  /** The SSH path the probe came in by (client address and port, server address and port); null when local. */
  readonly managementPath: {
    readonly clientAddress: string
    readonly clientPort: number
    readonly serverAddress: string
    readonly serverPort: number
  } | null

  /** Proof that the look changed nothing: digests of module list and table names, before and after. */
  readonly passive: { readonly modules: 'same' | 'changed'; readonly tables: 'same' | 'changed' }
  /** What single targets are, raw, in the order in which they were asked for (change/kinds.ts reads it). Missing: not asked. */
  readonly looks?: readonly string[]
  /** Names of what could not be read (`dmesg`, `slabinfo`): not looked is not absent. */
  readonly unreadable: readonly string[]
}
