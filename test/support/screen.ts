/** A small terminal: bytes in, the rows that a person sees out. What it does not know fails the test that sent it. */
import { displayWidth } from '../../src/view/width.ts'

const LETTERS = new Intl.Segmenter('en', { granularity: 'grapheme' })

export interface Emulator {
  /** Takes what a program wrote. */
  feed(text: string): void
  /** The rows on the screen, without blanks at their ends. */
  rows(): string[]
  /** The whole of what was written: what has left the screen at the top, then the screen. */
  transcript(): string[]
  resize(columns: number, rows: number): void
  readonly cursor: () => { readonly row: number; readonly column: number }
  /** How often a letter fell over the right edge into the next row. */
  readonly wrapped: () => number
  /** False in the middle of a frame. */
  readonly whole: () => boolean
}

/** A terminal of so many columns and rows; a line that is too long is broken, as terminals do. */
export function createEmulator(columns: number, rows: number): Emulator {
  let [width, height] = [columns, rows]
  let screen: string[][] = [[]]
  const gone: string[] = []
  let [row, column, wrapped] = [0, 0, 0]
  let whole = true
  /** What the screen was when a program took one of its own. */
  let before: { readonly screen: string[][]; readonly row: number; readonly column: number } | null = null
  let rest = ''

  const lineAt = (at: number): string[] => {
    while (screen.length <= at) screen.push([])
    return screen[at] ?? []
  }
  const textOf = (cells: readonly string[]): string =>
    Array.from(cells, cell => cell ?? ' ')
      .join('')
      .trimEnd()
  const down = (): void => {
    if (row < height - 1) row += 1
    else gone.push(textOf(screen.shift() ?? []))
    lineAt(row)
  }
  const put = (letter: string): void => {
    const wide = displayWidth(letter)
    if (column + wide > width) {
      wrapped += 1
      column = 0
      down()
    }
    const line = lineAt(row)
    while (line.length < column) line.push(' ')
    line[column] = letter
    for (let i = 1; i < wide; i++) line[column + i] = ''
    column += wide
  }
  const control = (letters: string, kind: string): void => {
    const n = Number(letters || 0)
    if (letters === '?1049' && kind === 'h') {
      before = { screen, row, column }
      screen = [[]]
      ;[row, column] = [0, 0]
      return
    }
    if (letters === '?1049' && kind === 'l') {
      if (before === null) throw new Error('a screen is left that nobody took')
      ;({ screen, row, column } = before)
      before = null
      return
    }
    // A frame begins, and is whole.
    if (letters === '?2026' && (kind === 'h' || kind === 'l')) {
      whole = kind === 'l'
      return
    }
    // Shows the cursor, and hides it.
    if (letters === '?25' && (kind === 'h' || kind === 'l')) return
    if (kind === 'H' && letters === '') {
      ;[row, column] = [0, 0]
      return
    }
    if (kind === 'A') row = Math.max(0, row - Math.max(1, n))
    else if (kind === 'K' && n === 0) lineAt(row).splice(column)
    else if (kind === 'J' && n === 0) {
      lineAt(row).splice(column)
      screen.splice(row + 1)
    } else if (kind !== 'm') throw new Error(`a control sequence that this terminal does not know: [${letters}${kind}`)
  }
  return {
    feed(text) {
      let left = rest + text
      rest = ''
      while (left !== '') {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads them
        const [sequence, letters = '', kind = ''] = /^\u001b\[([\d;?]*)([A-Za-z])/.exec(left) ?? []
        if (sequence !== undefined) {
          control(letters, kind)
          left = left.slice(sequence.length)
        } else if (left.startsWith('\u001b')) {
          if (left.length > 12) throw new Error(`no control sequence: ${JSON.stringify(left.slice(0, 12))}`)
          rest = left
          return
        } else if (left.startsWith('\r')) {
          column = 0
          left = left.slice(1)
        } else if (left.startsWith('\n')) {
          down()
          left = left.slice(1)
        } else {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: up to the next of them
          const [run = ''] = /^[^\u0000-\u001f\u007f]+/.exec(left) ?? []
          if (run === '') throw new Error(`a control character: ${JSON.stringify(left[0])}`)
          for (const { segment } of LETTERS.segment(run)) put(segment)
          left = left.slice(run.length)
        }
      }
    },
    rows: () => screen.map(textOf),
    transcript: () => [...gone, ...screen.map(textOf)],
    resize(newColumns, newRows) {
      // Rows that have become too long go on in the next one.
      const broken = screen.flatMap((cells, at) => {
        const pieces: string[][] = []
        for (let i = 0; i < Math.max(1, cells.length); i += newColumns) pieces.push(cells.slice(i, i + newColumns))
        return pieces.map((piece, i) => ({ piece, last: at === row && i === pieces.length - 1 }))
      })
      const at = broken.findIndex(({ last }) => last)
      const over = Math.max(0, at + 1 - newRows)
      for (const { piece } of broken.splice(0, over)) gone.push(textOf(piece))
      screen = broken.map(({ piece }) => piece)
      row = at - over
      column = column % newColumns
      ;[width, height] = [newColumns, newRows]
    },
    cursor: () => ({ row, column }),
    wrapped: () => wrapped,
    whole: () => whole,
  }
}
