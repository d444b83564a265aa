/** The diff a change window is approved on: plain lines, no colour, no terminal. */
import type { Change, KernelValueChange } from '../change/change.ts'
import { describeTogether } from '../change/kernel-value.ts'
import { describe } from '../change/kinds.ts'
import { plain } from '../lang/text.ts'
import { ofLayer, type Plan } from './plan.ts'

/** One matter of a diff: the change that has the reason, its lines, and the reason. */
export interface DiffPart {
  readonly change: Change
  readonly lines: readonly string[]
  readonly why: string
}

/** Live values first, then the files that keep them, then what does not come back; each with its reason. */
export function diffLines(plan: Plan): string[] {
  return diffParts(plan).flatMap(({ lines, why }) => [...lines, `    ${why}`])
}

/** The same in parts, for who tells hosts together: the reason may name other numbers where the change is the same. */
export function diffParts(plan: Plan): DiffPart[] {
  return (['runtime', 'persistent', 'final'] as const)
    .flatMap(layer => partsOf(ofLayer(plan.changes, layer)))
    .map(({ change, lines }) => ({ change, lines: lines.map(plain), why: plain(change.why) }))
}

/** What comes or goes with a module is two dozen values, and one matter. */
function partsOf(changes: readonly Change[]): Omit<DiffPart, 'why'>[] {
  const together = changes.filter(isOfModule)
  const [first] = together
  return changes.flatMap((change): Omit<DiffPart, 'why'>[] => {
    if (change === first) return [{ change, lines: [describeTogether(together)] }]
    return isOfModule(change) ? [] : [{ change, lines: describe(change).split('\n') }]
  })
}

function isOfModule(change: Change): change is KernelValueChange {
  return change.kind === 'kernel-value' && (change.before === null || change.after === null)
}
