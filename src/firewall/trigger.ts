/** A rule that makes the kernel track, of whatever backend. */
import type { Family } from './address.ts'
import type { NftRuleState } from './own.ts'
import type { RuleState } from './rule-state.ts'
import type { Place } from './ruleset.ts'

/** What of tracking a rule asks for. `extension`: of a rule that nft shows without saying what it does. */
export type TriggerKind =
  | 'state'
  | 'nat'
  | 'mark'
  | 'count'
  | 'helper'
  | 'synproxy'
  | 'offload'
  | 'cluster'
  | 'object'
  | 'extension'

export interface Trigger {
  readonly kind: TriggerKind
  /** Families that are tracked because of it; what stands in `inet` and in a bridge asks for both. */
  readonly families: readonly Family[]
  /** What to call it: as the target of its change, and for nft as nft prints it, without counters. */
  readonly name: string
  readonly line: string
  readonly place: Place
  /** From 1, among all rules of its chain. 0: it is none, but an object of a table. */
  readonly position: number
  /** What it would take to remove it; null where nobody here can name it to its own tool. */
  readonly rule: RuleState | NftRuleState | null
  /** Packets that came by; null where the tool shows none. */
  readonly packets: number | null
}
