/** Names of many hosts in few words: `web-[001-212,214]`, as clush and pdsh write them. */

/** Digits that may be counted with; longer rows of them are names like any other. */
const NUMBERS = /(?<!\d)(\d{1,15})(?!\d)/

/** The same hosts, shortened, in the order in which each range begins. Padding is kept: `01` and `1` are two hosts. */
export function hostRange(names: readonly string[]): string {
  // The odd pieces are numbers.
  let rows: readonly (readonly string[])[] = [...new Set(names)].map(name => name.split(NUMBERS))
  const longest = rows.reduce((most, { length }) => Math.max(most, length), 0)
  // The number at the end counts up first, then the one before it: racks of hosts fold into one.
  for (let at = longest - 2; at > 0; at -= 2) rows = foldAt(rows, at)
  return rows.map(pieces => pieces.join('')).join(', ')
}

/** Rows that differ in nothing but the number at one place become one. */
function foldAt(rows: readonly (readonly string[])[], at: number): string[][] {
  const groups = new Map<string, { readonly pieces: readonly string[]; readonly numbers: string[] }>()
  for (const pieces of rows) {
    const number = pieces[at]
    const key = number === undefined ? pieces.join('\n') : pieces.with(at, '\n').join('\n')
    const group = groups.get(key)
    if (group && number !== undefined) group.numbers.push(number)
    else groups.set(key, { pieces, numbers: number === undefined ? [] : [number] })
  }
  return [...groups.values()].map(({ pieces, numbers }) =>
    numbers.length > 1 ? pieces.with(at, `[${ranges(numbers)}]`) : [...pieces],
  )
}

/** `001-212,214`; a range keeps to the length of its first number where that begins with a zero. */
function ranges(numbers: readonly string[]): string {
  const found: { readonly first: string; last: string }[] = []
  for (const number of numbers.toSorted((a, b) => Number(a) - Number(b) || a.length - b.length)) {
    const open = found.at(-1)
    if (open && isNext(open.first, open.last, number)) open.last = number
    else found.push({ first: number, last: number })
  }
  return found.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(',')
}

function isNext(first: string, last: string, number: string): boolean {
  if (Number(number) !== Number(last) + 1) return false
  return isPadded(first) ? number.length === first.length : !isPadded(number)
}

function isPadded(number: string): boolean {
  return number.length > 1 && number.startsWith('0')
}
