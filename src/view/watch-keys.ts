/** What a person has typed, and what it makes of the display. */
import { SORTS, type Sort } from '../watch/row.ts'

export interface Display {
  readonly sort: Sort
  /** Part of a name; '' is everybody. */
  readonly filter: string
  /** It is being typed. */
  readonly typing: boolean
  readonly help: boolean
  /** Rows above the first one shown. */
  readonly scrolled: number
}

export type Key =
  | { readonly name: 'letter'; readonly letter: string }
  | {
      readonly name:
        | 'up'
        | 'down'
        | 'page-up'
        | 'page-down'
        | 'home'
        | 'end'
        | 'enter'
        | 'escape'
        | 'erase'
        | 'interrupt'
    }

const SEQUENCES: readonly (readonly [RegExp, Exclude<Key['name'], 'letter'>])[] = [
  [/^\[(?:1;\d)?A|^OA/, 'up'],
  [/^\[(?:1;\d)?B|^OB/, 'down'],
  [/^\[5~/, 'page-up'],
  [/^\[6~/, 'page-down'],
  [/^\[(?:H|1~|7~)|^OH/, 'home'],
  [/^\[(?:F|4~|8~)|^OF/, 'end'],
]

/** Bytes of a terminal → keys; a sequence that nobody knows is passed over. */
export function keysOf(text: string): Key[] {
  const keys: Key[] = []
  let rest = text
  while (rest !== '') {
    const [letter = ''] = rest
    rest = rest.slice(letter.length)
    if (letter === '\u001b') {
      const known = SEQUENCES.find(([pattern]) => pattern.test(rest))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal sends
      const [whole = ''] = /^(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Za-z]|(?=\u001b|$))/.exec(rest) ?? []
      rest = rest.slice(whole.length)
      if (known) keys.push({ name: known[1] })
      else if (whole === '') keys.push({ name: 'escape' })
    } else if (letter === '\u0003') keys.push({ name: 'interrupt' })
    else if (letter === '\r' || letter === '\n') keys.push({ name: 'enter' })
    else if (letter === '\u007f' || letter === '\b') keys.push({ name: 'erase' })
    else if (letter >= ' ') keys.push({ name: 'letter', letter })
  }
  return keys
}

export const FIRST: Display = { sort: 'pressure', filter: '', typing: false, help: false, scrolled: 0 }

/** The display after a key; `quit` and `interrupt` end the watch. `rows`: hosts there are to scroll over, and how many fit; `measured`: by loss, too. */
export function press(
  display: Display,
  key: Key,
  rows: { readonly all: number; readonly fit: number; readonly measured?: boolean },
): Display | 'quit' | 'interrupt' {
  if (key.name === 'interrupt') return 'interrupt'
  if (display.typing) return typed(display, key)
  const to = (scrolled: number): Display => ({
    ...display,
    scrolled: Math.max(0, Math.min(scrolled, rows.all - rows.fit)),
  })
  switch (key.name) {
    case 'up':
      return to(display.scrolled - 1)
    case 'down':
      return to(display.scrolled + 1)
    case 'page-up':
      return to(display.scrolled - rows.fit)
    case 'page-down':
      return to(display.scrolled + rows.fit)
    case 'home':
      return to(0)
    case 'end':
      return to(rows.all)
    case 'escape':
      return display.help ? { ...display, help: false } : { ...display, filter: '', scrolled: 0 }
    case 'letter':
      return letter(display, key.letter, to, rows)
    default:
      return { ...display, help: false }
  }
}

function letter(
  display: Display,
  typedLetter: string,
  to: (scrolled: number) => Display,
  { fit, measured = false }: { readonly fit: number; readonly measured?: boolean },
): Display | 'quit' {
  switch (typedLetter) {
    case 'q':
      return 'quit'
    case 's': {
      const sorts = SORTS.filter(sort => measured || sort !== 'loss')
      const next = sorts[(sorts.indexOf(display.sort) + 1) % sorts.length] ?? 'pressure'
      return { ...display, sort: next, scrolled: 0 }
    }
    case '/':
      return { ...display, typing: true, help: false, scrolled: 0 }
    case '?':
    case 'h':
      return { ...display, help: !display.help }
    case ' ':
      return to(display.scrolled + fit)
    case 'j':
      return to(display.scrolled + 1)
    case 'k':
      return to(display.scrolled - 1)
    default:
      return display
  }
}

function typed(display: Display, key: Key): Display {
  if (key.name === 'letter') return { ...display, filter: display.filter + key.letter, scrolled: 0 }
  if (key.name === 'erase') return { ...display, filter: display.filter.slice(0, -1), scrolled: 0 }
  if (key.name === 'enter') return { ...display, typing: false }
  return key.name === 'escape' ? { ...display, typing: false, filter: '', scrolled: 0 } : display
}
