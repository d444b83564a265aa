/**
 * A change is what differs and why. A handful of kinds; strategies multiply, kinds do not.
 * Undo is `invert`: no strategy writes rollback code, so none can forget it.
 */
import type { FileState } from '../facts/facts.ts'
import { type RuleState, ruleTarget } from '../firewall/rule-state.ts'

interface ChangeOf<Kind extends string, Layer extends string, State> {
  readonly kind: Kind
  /** `runtime` is gone after a reboot; `persistent` is what boot reads. Files are written only after the runtime proved itself. */
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

export type Change = KernelValueChange | FileChange | RuleChange | ModuleChange

/** What is gone after a reboot. */
export type RuntimeChange = Exclude<Change, FileChange>

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

/** Compares two states by what they hold. A rule that moved within its chain is still the same. */
export function sameState(a: Change['before'], b: Change['before']): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b
  if ('spec' in a || 'spec' in b) return 'spec' in a && 'spec' in b && ruleTarget(a) === ruleTarget(b)
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
  return later
}
