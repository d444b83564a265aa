/**
 * A change is what differs and why. A handful of kinds; strategies multiply, kinds do not.
 * Undo is `invert`: no strategy writes rollback code, so none can forget it.
 */
import type { FileState } from '../facts/facts.ts'
import {
  type ChainState,
  canonicalNft,
  chainLines,
  type NftRuleState,
  type NftTableState,
  nftRuleTarget,
} from '../firewall/own.ts'
import { type RuleState, ruleTarget } from '../firewall/rule-state.ts'

interface ChangeOf<Kind extends string, Layer extends string, State> {
  readonly kind: Kind
  /**
   * `runtime` is gone after a reboot; `persistent` is what boot reads. Files are written only after the runtime proved
   * itself, but for those that only lift a refusal of modules: they come before the runtime (`liftsRefusal` of file.ts).
   * `final` cannot be taken back and comes after the files.
   */
  readonly layer: Layer
  readonly target: string
  /** null = absent. Never compare by truthiness: '0' and '' are states. */
  readonly before: State | null
  readonly after: State | null
  /** One sentence for the person who approves it. */
  readonly why: string
}

/** A live kernel value. Target: a dotted sysctl name, or the absolute path of a module parameter. */
export type KernelValueChange = ChangeOf<'kernel-value', 'runtime', string>

/** A whole file. Target: its absolute path. */
export type FileChange = ChangeOf<'file', 'persistent', FileState>

/** A live iptables rule. Target: `ruleTarget` of it, which does not say where in its chain it stands. */
export type RuleChange = ChangeOf<'rule', 'runtime', RuleState>

/** A kernel module. Target: its name. */
export type ModuleChange = ChangeOf<'module', 'runtime', 'loaded'>

/** A live chain of iptables that only we write. Target: `chainTarget` of it. */
export type ChainChange = ChangeOf<'chain', 'runtime', ChainState>

/** The live table of nft that only we write. Target: `NFT_TABLE`. */
export type NftTableChange = ChangeOf<'nft-table', 'runtime', NftTableState>

/** A live rule of ours in somebody else's chain of nft. Target: `nftRuleTarget` of it. */
export type NftRuleChange = ChangeOf<'nft-rule', 'runtime', NftRuleState>

/** Live entries of the connection table, which only ever go. Target: `entries of tcp 80, 443`. */
export interface EntriesState {
  /** How many there were when the plan was made; null where nobody counted. */
  readonly count: number | null
  /** The words after `-D` of each call of conntrack that removes them: `-f ipv4 -p tcp --dport 80`. */
  readonly selectors: readonly (readonly string[])[]
}

/** Entries that go once everything else is confirmed. They do not come back, so `after` is null. */
export type EntriesChange = ChangeOf<'entries', 'final', EntriesState>

/** A service of this host, by the name its service manager has for it. Target: that name, without `.service`. */
export type ServiceChange = ChangeOf<'service', 'runtime', 'running'>

/**
 * What starts a service at boot, in the words of its service manager, so that it can be given back exactly: `enabled` of
 * systemd, the runlevels it is in of OpenRC (`boot default`), the levels of sysvinit (`2345`). null: nothing does, which
 * stops nothing that runs. Target: its name, as of a service.
 */
export type BootServiceChange = ChangeOf<'boot-service', 'persistent', string>

/**
 * The image that boot unpacks first, made anew out of the files as they are by then. Target: its absolute path. The
 * states are words: what it holds for a person (`holds nf_conntrack`), and `rebuilt` once we made it.
 */
export type InitramfsChange = ChangeOf<'initramfs', 'persistent', string>

export type Change =
  | KernelValueChange
  | FileChange
  | RuleChange
  | ModuleChange
  | ServiceChange
  | BootServiceChange
  | InitramfsChange
  | ChainChange
  | NftTableChange
  | NftRuleChange
  | EntriesChange

/** What is gone after a reboot. */
export type RuntimeChange = Exclude<Change, PersistentChange | EntriesChange>

/** What boot reads: done once the runtime proved itself, files before the rest. */
export type PersistentChange = FileChange | BootServiceChange | InitramfsChange

/** The same change the other way round. */
export function invert<C extends Change>(change: C): C {
  return { ...change, before: change.after, after: change.before }
}

/** What takes a list of changes back: each inverted, in reverse order. */
export function undo(changes: readonly Change[]): Change[] {
  return changes.toReversed().map(change => invert(change))
}

/** True when both states are the same, so that there is nothing to do. */
export function isNoop(change: Change): boolean {
  return sameState(change.before, change.after)
}

/**
 * Compares two states by what they hold. A rule that moved within its chain is still the same, and so are texts that only
 * differ in what versions of a tool write differently.
 */
export function sameState(a: Change['before'], b: Change['before']): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b
  if ('content' in a && 'content' in b) return sameFile(a, b)
  if ('spec' in a && 'spec' in b) return ruleTarget(a) === ruleTarget(b)
  if ('rules' in a && 'rules' in b) return chainLines(a).join('\n') === chainLines(b).join('\n')
  // How many entries there are is another number at any moment.
  if ('selectors' in a && 'selectors' in b) return true
  if ('chain' in a && 'text' in a && 'chain' in b && 'text' in b) {
    return canonicalNft(nftRuleTarget(a)) === canonicalNft(nftRuleTarget(b))
  }
  return 'text' in a && 'text' in b && canonicalNft(a.text) === canonicalNft(b.text)
}

function sameFile(a: FileState, b: FileState): boolean {
  // Not every look can tell the label.
  const sameLabel = a.label === null || b.label === null || a.label === b.label
  return a.content === b.content && a.mode === b.mode && a.owner === b.owner && sameLabel
}

/**
 * Joins the changes of several strategies: two of the same target become one, from the first `before` to the last `after`.
 * Order is by first mention; what ends where it began falls out.
 */
export function mergeChanges(changes: readonly Change[]): Change[] {
  const merged = new Map<string, Change>()
  for (const change of changes) {
    const key = `${change.kind} ${change.target}`
    const earlier = merged.get(key)
    merged.set(key, earlier ? join(earlier, change) : change)
  }
  return [...merged.values()].filter(change => !isNoop(change))
}

function join(earlier: Change, later: Change): Change {
  const why = earlier.why === later.why ? later.why : `${earlier.why}; ${later.why}`
  if (earlier.kind === 'file' && later.kind === 'file') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'kernel-value' && later.kind === 'kernel-value') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'rule' && later.kind === 'rule') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'module' && later.kind === 'module') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'service' && later.kind === 'service') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'boot-service' && later.kind === 'boot-service') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'initramfs' && later.kind === 'initramfs') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'chain' && later.kind === 'chain') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'nft-table' && later.kind === 'nft-table') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'nft-rule' && later.kind === 'nft-rule') return { ...later, before: earlier.before, why }
  if (earlier.kind === 'entries' && later.kind === 'entries') return { ...later, before: earlier.before, why }
  return later
}
