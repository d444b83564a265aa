/** Long texts in pieces: nothing else has to wait until the whole of one is made, or taken. */
import { setImmediate as othersTurn } from 'node:timers/promises'

/** For so long at a time; what hosts answer meanwhile waits for it. */
const TURN_MS = 10
/** Of small pieces so much is handed on together, in characters. */
const TOGETHER = 65_536

/** Hands on what the pieces come to, in order; an empty one is a place to pause. Rejects when `take` does. */
export async function eachPiece(pieces: Iterable<string>, take: (text: string) => unknown): Promise<void> {
  let since = performance.now()
  let text = ''
  for (const piece of pieces) {
    text += piece
    if (text.length >= TOGETHER) {
      const taken = take(text)
      text = ''
      if (taken instanceof Promise) await taken
    }
    if (performance.now() - since < TURN_MS) continue
    await othersTurn()
    since = performance.now()
  }
  if (text !== '') await take(text)
}

/** A JSON text to the byte as JSON.stringify makes it, whose last member is an array: a piece for each element. */
export function* jsonPieces(
  head: object,
  [name, elements]: readonly [string, Iterable<unknown>],
  indent: 0 | 2,
): Generator<string> {
  const whole = JSON.stringify({ ...head, [name]: [] }, null, indent)
  const at = whole.lastIndexOf('[]') + 1
  const [next, end] = indent === 0 ? ['', ''] : ['\n    ', '\n  ']
  yield whole.slice(0, at)
  let comma = ''
  for (const element of elements) {
    const text = JSON.stringify(element, null, indent)
    // No line break stands inside of a string of JSON.
    yield `${comma}${next}${indent === 0 ? text : text.replaceAll('\n', '\n    ')}`
    comma = ','
  }
  yield `${comma === '' ? '' : end}${whole.slice(at)}`
}

/** A mapping to the byte as JSON.stringify makes it with an indent of one: a piece for each element of its lists. */
export function* mappingPieces(mapping: object): Generator<string> {
  const members = Object.entries(mapping).filter(([, value]) => value !== undefined)
  const deeper = (value: unknown, indent: string): string =>
    JSON.stringify(value, null, 1).replaceAll('\n', `\n${indent}`)
  yield '{'
  for (const [i, [name, value]] of members.entries()) {
    yield `${i > 0 ? ',' : ''}\n ${JSON.stringify(name)}: `
    if (!Array.isArray(value) || value.length === 0) {
      yield deeper(value, ' ')
      continue
    }
    yield '['
    for (const [at, element] of value.entries()) yield `${at > 0 ? ',' : ''}\n  ${deeper(element, '  ')}`
    yield '\n ]'
  }
  yield members.length > 0 ? '\n}' : '}'
}
