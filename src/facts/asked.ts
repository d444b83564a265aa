/** Facts that a probe collects only where a strategy asks for them. */

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
