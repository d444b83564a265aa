/** What of a rule set is ours alone: chains of iptables, the table `inet ctfix`, and rules of ours in chains of others. */
import { familyName } from './rule-state.ts'
import { canonicalWords, joinWords } from './words.ts'

/** A chain of iptables that only we write, with all its rules. */
export interface ChainState {
  readonly backend: 'iptables-legacy' | 'iptables-nft'
  readonly family: 4 | 6
  readonly table: string
  readonly chain: string
  /** The words of each rule after the chain's name, in the spelling of iptables-save. */
  readonly rules: readonly (readonly string[])[]
}

/** `iptables-legacy ip raw CTFIX-PRE`: the target of its change. */
export function chainTarget({ backend, family, table, chain }: ChainState): string {
  return `${backend} ${familyName(family)} ${table} ${chain}`
}

/** The rules as lines, the same for what versions of iptables write differently. */
export function chainLines({ family, rules }: ChainState): string[] {
  return rules.map(rule => joinWords(canonicalWords(rule, family)))
}

/** A table of nft that only we write. */
export interface NftTableState {
  /** All of it as `nft -s list table` prints it: `table inet ctfix {` … `}`. */
  readonly text: string
  /** The same as the objects of `nft -j`, for walking packets; null where it was read from a host. */
  readonly json: string | null
}

/** A rule of ours in a chain of somebody else's. */
export interface NftRuleState {
  readonly family: 'ip' | 'ip6' | 'inet'
  readonly table: string
  readonly chain: string
  /** Where it stands, from 1, at the moment of its change; null = at the end. */
  readonly position: number | null
  /** As `nft -s list chain` prints it, its comment included: `tcp dport 80 accept comment "ctfix"`. */
  readonly text: string
  /** Its expressions as `nft -j` has them, for walking packets; null where it was read from a host. */
  readonly json: string | null
}

/** `nft inet filter input: tcp dport 80 accept comment "ctfix"`: the target of its change. */
export function nftRuleTarget({ family, table, chain, text }: NftRuleState): string {
  return `nft ${family} ${table} ${chain}: ${text}`
}

/** Target of a table's change. */
export const NFT_TABLE = 'nft table inet ctfix'

/**
 * What nft prints, the same for versions that print it differently: blanks, counters, flags, names of priorities, quotes of
 * cards. nft.sh does the same on the host, and a test holds both against each other.
 */
export function canonicalNft(text: string): string {
  return text
    .replace(/\bcounter packets \d+ bytes \d+ ?/g, 'counter ')
    .replace(/\btcp flags != syn \/ syn,rst,ack/g, 'tcp flags & (syn | rst | ack) != syn')
    .replace(/\bpriority raw\b/g, 'priority -300')
    .replace(/\bpriority filter\b/g, 'priority 0')
    .replace(/\b(iif|oif|iifname|oifname) "?lo"?(?=\s)/g, '$1 "lo"')
    .replace(/# handle \d+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}
