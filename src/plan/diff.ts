/** The diff a change window is approved on: plain lines, no colour, no terminal. */
import { describe } from '../change/kinds.ts'
import { plain } from '../lang/text.ts'
import { ofLayer, type Plan } from './plan.ts'

/** Live values first, then the files that keep them; each with its reason. Empty when there is nothing to do. */
export function diffLines(plan: Plan): string[] {
  const live = ofLayer(plan.changes, 'runtime').flatMap(change => [describe(change), `    ${change.why}`])
  const files = ofLayer(plan.changes, 'persistent').flatMap(change => [
    ...describe(change).split('\n'),
    `    ${change.why}`,
  ])
  return [...live, ...files].map(plain)
}
