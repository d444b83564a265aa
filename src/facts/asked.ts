/** Facts that a probe collects only where a strategy asks for them. */
import type { Setting } from './setting.ts'

/** What of the rules of nft is ours, as `nft -s` prints it (an older nft knows no -s, and prints counters too). */
export interface OwnNft {
  /** The table `inet ctfix`; null where there is none. */
  readonly table: string | null
  /** Rules in tables of others that bear our comment. */
  readonly rules: readonly OwnNftRule[]
}

export interface OwnNftRule {
  readonly family: string
  readonly table: string
  readonly chain: string
  /** Without its handle: `tcp dport 80 accept comment "ctfix"`. */
  readonly text: string
}

/** Live entries that belong to the flows asked for. */
export interface FlowEntries {
  readonly entries: number
  /** False: the table is larger than what is looked at, so there may be more of them. */
  readonly complete: boolean
  /** The first of them, three at most. */
  readonly sample: readonly string[]
  /** This host's own ends of them, 256 at most, as the table spells them. */
  readonly addresses: readonly string[]
  /** Rows looked at, of whatever flow. */
  readonly tracked: number
}

/** Who fills the table, counted on the host in one pass. */
export interface Census {
  /** What was read: the file of the kernel, or the tool where there is no such file. */
  readonly source: 'proc' | 'netlink'
  /** Entries looked at. */
  readonly rows: number
  /** Why it ended before the end of the table; null: it did not. */
  readonly cut: 'rows' | 'seconds' | null
  /** What the kernel says there are, read after the rows: reading them lets go of what has expired. */
  readonly count: number | null
  readonly states: readonly CensusState[]
  /** Where connections go to, by the port that was asked; ten at most, the most entries first, as the next two. */
  readonly ports: readonly CensusPort[]
  /** The other end, where this host's own is known, else who began. */
  readonly peers: readonly { readonly address: string; readonly entries: number }[]
  /** Half entries by the port that answers: established or closing, and never replied to. */
  readonly half: readonly { readonly port: number; readonly entries: number }[]
  /** Connections that helpers wait for; null: not readable. */
  readonly expectations: number | null
  /** Other network namespaces, 64 at most. */
  readonly namespaces: readonly NamespaceEntries[]
}

export interface CensusPort {
  readonly protocol: string
  readonly port: number | null
  readonly entries: number
  /** Those that go to an address of this host; null: the kernel does not name its addresses. */
  readonly served: number | null
}

export interface CensusState {
  readonly protocol: string
  /** `ESTABLISHED`; null where the protocol has none. */
  readonly state: string | null
  readonly entries: number
  readonly assured: number
  readonly unreplied: number
  /** Idle for longer than the strategy timeouts would let them be. */
  readonly idle: number
}

export interface NamespaceEntries {
  /** As the kernel log names it (`in netns N`). */
  readonly id: number
  /** A program that runs in it. */
  readonly program: string
  readonly entries: number | null
  /** Dropped and thrown out since it began, at least. */
  readonly lost: number | null
}

/** What a dry run of modprobe (`modprobe -n -v NAME`) says of a name: nothing is loaded by that. */
export type DryRun = 'refused' | 'loads' | 'no-such-module' | 'unreadable'

/** A service that loads rules, or brings its own. */
export interface LoadingService {
  readonly name: string
  readonly running: boolean
  /** Boot starts it. */
  readonly enabled: boolean
  /** What starts it at boot, as the state of a `boot-service` change: `enabled`, `boot default`, `2345`. */
  readonly startedBy?: string
}

/** What a plan must know that takes connection tracking out of a host, or makes it stop. */
export interface TrackingFacts {
  /** Modules of this kernel that are of conntrack or need it, by modules.dep, with `_` for `-`; null: no such list here. */
  readonly available: readonly { readonly name: string; readonly needs: readonly string[] }[] | null
  /** By name, for modules that are of conntrack itself and for two that only need it. */
  readonly dryRuns: Readonly<Record<string, DryRun>>
  /** The image that boot unpacks before any file of the root is read; null: none found. */
  readonly initramfs: {
    readonly path: string
    /** What makes it anew here; null: nobody knows. */
    readonly tool: 'update-initramfs' | 'dracut' | 'mkinitfs' | null
    /** Modules of conntrack in it, and `modprobe.d` files of ours, by name. */
    readonly holds: readonly string[]
    /** It could not be listed, so nobody knows what it holds. */
    readonly unread?: true
  } | null
  /** Lines of the files from which boot loads rules, that need tracking or translate addresses. */
  readonly savedRules: readonly Setting[]
  /** Lines of those files that only take packets out of tracking: they ask for none, and do not load without its modules. */
  readonly savedUntracking?: readonly Setting[]
  /** Files of rules among those that were looked at. */
  readonly savedSeen?: readonly string[]
  /** Files not read to their end, or that name others in a way nobody can follow; `more` where there are over 400 lines. */
  readonly savedUnread: readonly string[]
  /** Services that load rules at boot, as their service manager has them. */
  readonly services: readonly LoadingService[]
  /** Names of the network interfaces of this namespace. */
  readonly interfaces: readonly string[]
  /** Network namespaces besides the one looked at, as far as programs of this host run in them. */
  readonly otherNamespaces: number
  /** Whether the table has an entry of the very connection the probe came by; null: local, or the table is not readable. */
  readonly ownConnection: 'tracked' | 'untracked' | null
  /** Name servers of resolv.conf, time servers of the usual files; addresses only. */
  readonly resolvers: readonly string[]
  readonly timeServers: readonly string[]
  /**
   * Every value of its table that may be written, by the names that changes have for them: max and timeouts by their
   * sysctls, the hash size by its path. Missing: no table.
   */
  readonly values?: Readonly<Record<string, string>>
}
