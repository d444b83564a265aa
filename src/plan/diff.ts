/** The diff a change window is approved on: plain lines, no colour, no terminal. */
import type { Change, KernelValueChange } from '../change/change.ts'
import { describeTogether } from '../change/kernel-value.ts'
import { describe } from '../change/kinds.ts'
import { plain } from '../lang/text.ts'
import { ofLayer, type Plan } from './plan.ts'

/** Live values first, then the files that keep them, then what does not come back; each with its reason. */
export function diffLines(plan: Plan): string[] {
  return (['runtime', 'persistent', 'final'] as const)
    .flatMap(layer => linesOf(ofLayer(plan.changes, layer)))
    .map(plain)
}

/** What comes or goes with a module is two dozen values, and one matter. */
function linesOf(changes: readonly Change[]): string[] {
  const together = changes.filter(isOfModule)
  const [first] = together
  return changes.flatMap(change => {
    if (change === first) return [describeTogether(together), `    ${change.why}`]
    return isOfModule(change) ? [] : [...describe(change).split('\n'), `    ${change.why}`]
  })
}

function isOfModule(change: Change): change is KernelValueChange {
  return change.kind === 'kernel-value' && (change.before === null || change.after === null)
}
