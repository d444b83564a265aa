/** One text for one value, whatever the order of its keys: for comparing, and for digests. */
import { isRecord } from './record.ts'

/** JSON with the keys of every mapping in order. Only for plain data, as JSON has it. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (isRecord(inner) ? sorted(inner) : inner))
}

/** The same text of a mapping, a piece for each element of its lists. */
export function* canonicalPieces(mapping: object): Generator<string> {
  yield '{'
  const members = Object.entries(sorted({ ...mapping })).filter(([, value]) => value !== undefined)
  for (const [i, [name, value]] of members.entries()) {
    yield `${i > 0 ? ',' : ''}${JSON.stringify(name)}:`
    if (Array.isArray(value)) {
      yield '['
      for (const [at, element] of value.entries()) yield `${at > 0 ? ',' : ''}${canonical(element)}`
      yield ']'
    } else yield canonical(value)
  }
  yield '}'
}

function sorted(mapping: Readonly<Record<string, unknown>>): object {
  // Entries are defined, not set: a key `__proto__` is one like the others.
  return Object.fromEntries(Object.entries(mapping).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
