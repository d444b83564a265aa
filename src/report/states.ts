/** Live entries by state. */
import { formatCount } from '../lang/numbers.ts'
import { type Pair, pairTable } from './bars.ts'
import type { Html } from './html.ts'
import { ABSENT } from './numbers.ts'

type States = Readonly<Record<string, number>> | null

/** Live entries by state, before and after; the most first, those behind so many as one. */
export function statesTable(caption: string, before: States, after: States, shown: number): Html {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const weight = (name: string): number => Math.max(before?.[name] ?? 0, after?.[name] ?? 0)
  const sorted = names.toSorted((a, b) => weight(b) - weight(a))
  const row = (label: string, some: readonly string[]): Pair => {
    const count = (states: States): number | null => states && some.reduce((sum, name) => sum + (states[name] ?? 0), 0)
    const [was, is] = [count(before), count(after)]
    const told = (value: number | null): string => (value === null ? ABSENT : formatCount(value))
    return { label, before: was, after: is, told: [told(was), told(is)] }
  }
  const rest = sorted.slice(shown)
  const rows = sorted.slice(0, shown).map(name => row(name, [name]))
  return pairTable(caption, 'state', rest.length > 0 ? [...rows, row(`${rest.length} others`, rest)] : rows)
}
