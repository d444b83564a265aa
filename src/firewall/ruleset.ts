/** Rules of all backends and both families in one shape, whoever wrote them. */
import type { RulesetSource } from '../facts/facts.ts'
import type { Match } from './match.ts'

export type Backend = RulesetSource['backend']

export interface Ruleset {
  readonly tables: readonly Table[]
  /** False: rules may exist that are not here. */
  readonly complete: boolean
}

export interface Table {
  readonly backend: Backend
  /** As nft calls it: `ip`, `ip6`, `inet`, `netdev`, and more that carry no packet of ours. */
  readonly family: string
  readonly name: string
  readonly chains: ReadonlyMap<string, Chain>
}

export interface Chain {
  readonly name: string
  /** null: packets come here only from another chain. */
  readonly base: Base | null
  readonly rules: readonly Rule[]
}

/** Where the kernel hands packets to a chain. */
export interface Base {
  /** `nat` chains see the first packet of a connection, and none that is untracked. */
  readonly type: 'filter' | 'nat' | 'route'
  readonly hook: string
  /** Lower comes first. Connection tracking itself stands at -200. */
  readonly priority: number
  readonly policy: 'accept' | 'drop'
}

export interface Rule {
  /** As its own tool prints it, or something like it: for people. */
  readonly line: string
  /** All of them must hold. */
  readonly matches: readonly Match[]
  readonly verdict: Verdict
}

export type Verdict =
  | { readonly is: 'accept' | 'drop' | 'return' | 'continue' | 'notrack' | 'unknown' }
  | { readonly is: 'jump' | 'goto'; readonly chain: string }

/** All rules, of whatever table and chain. */
export function rulesOf({ tables }: Ruleset): Rule[] {
  return tables.flatMap(({ chains }) => [...chains.values()].flatMap(({ rules }) => rules))
}

/** A rule and where it stands; for a chain's policy the line says so. */
export interface Place {
  readonly backend: Backend
  readonly family: string
  readonly table: string
  readonly chain: string
  readonly line: string
}

/** Where a line of a chain stands. */
export function placeOf({ backend, family, name }: Omit<Table, 'chains'>, chain: string, line: string): Place {
  return { backend, family, table: name, chain, line }
}

/** `"-A INPUT -j DROP" in chain INPUT of table ip filter (iptables-legacy)`. */
export function describePlace({ backend, family, table, chain, line }: Place): string {
  return `"${line}" in chain ${chain} of table ${family} ${table} (${backend})`
}
