/** Live entries of the connection table that go once everything else is confirmed: they do not come back. */
import { formatCount } from '../lang/numbers.ts'
import { type Script, sh } from '../lang/sh.ts'
import type { EntriesChange } from './change.ts'

/** The calls that remove them. That there are none any more, or no tool for it, takes no confirmed change back. */
export function forget({ before, after }: EntriesChange): Script[] {
  const selectors = after === null ? (before?.selectors ?? []) : []
  return selectors.map(words => sh`forget_entries ${words} || :`)
}

/** One line for the diff. */
export function describe({ before, target }: EntriesChange): string {
  const many = before?.count == null ? '' : `${formatCount(before.count)} `
  return `× ${many}live ${target} are removed once the change is confirmed; they do not come back`
}
