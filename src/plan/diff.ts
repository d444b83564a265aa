/** The diff a change window is approved on: plain lines, no colour, no terminal. */
import { describe } from '../change/kinds.ts'
import { plain } from '../lang/text.ts'
import { ofLayer, type Plan } from './plan.ts'

/** Live values first, then the files that keep them, then what does not come back; each with its reason. */
export function diffLines(plan: Plan): string[] {
  return (['runtime', 'persistent', 'final'] as const)
    .flatMap(layer => ofLayer(plan.changes, layer))
    .flatMap(change => [...describe(change).split('\n'), `    ${change.why}`])
    .map(plain)
}
