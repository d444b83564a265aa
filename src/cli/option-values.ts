/** What the values of flags may be, each refused with what was expected. */
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../lang/duration.ts'
import { parseJump } from '../transport/jump.ts'

/** A whole number. */
export function number(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}, got ${text}`)
  }
}

/** Seconds, or a duration. */
export function seconds(least: number): (text: string) => number {
  return text => {
    const value = parseDuration(text)
    if (value !== null && value >= least) return value
    throw new InvalidArgumentError(`expected seconds or a duration such as 90s or 2m, at least ${least}, got ${text}`)
  }
}

/** Of a flag that is repeated: all of them. */
export const collect = (text: string, earlier: readonly string[] = []): string[] => [...earlier, text]
/** The same, several with commas as well. */
export const list = (text: string, earlier: readonly string[] = []): string[] => [
  ...earlier,
  ...text.split(',').map(part => part.trim()),
]

/** Whatever `parse` makes of it; null: it is none. */
export function read<T>(parse: (text: string) => T | null, expected: string): (text: string) => T {
  return text => {
    const value = parse(text)
    if (value !== null) return value
    throw new InvalidArgumentError(`expected ${expected}, got ${text}`)
  }
}

/** Of a flag with one value: the second one would drop the first without a word. */
export function once(text: string, earlier: string | undefined): string {
  if (earlier === undefined) return text
  throw new InvalidArgumentError(`expected it once, got ${earlier} and ${text}`)
}

/** The same, of a name: an unset variable of a shell is none. */
export function name(text: string, earlier: string | undefined): string {
  if (text.trim() === '') throw new InvalidArgumentError('expected something, got nothing')
  return once(text, earlier)
}

/** Jump hosts, as ssh writes them. */
export function jumps(text: string): string {
  try {
    for (const hop of text.split(',')) parseJump(hop, { name: 'jump' })
    return text
  } catch {
    throw new InvalidArgumentError(`expected jump hosts such as user@host:22, several with commas, got ${text}`)
  }
}
