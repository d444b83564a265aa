/** Rows at the bottom of a terminal that are drawn over again. Whatever else is written meanwhile stands above them. */
import { displayWidth } from './width.ts'

/** The part of a stream that is a terminal. */
export interface Terminal {
  write(text: string): unknown
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  /** From now on others write through this, until the answer is called. Missing: nobody else writes there. */
  readonly share?: (above: (text: string) => void) => () => void
}

export interface Screen {
  readonly size: () => { readonly columns: number; readonly rows: number }
  /** Draws these rows over the ones before. */
  readonly draw: (rows: readonly string[]) => void
  /** Writes a text above the rows. */
  readonly above: (text: string) => void
  /** Takes the rows away. */
  readonly clear: () => void
}

const ESC = '\u001b'

/**
 * The cursor is left at the end of the last row, so that no row is spent on it; it is never hidden, so that a process that
 * is killed leaves the terminal as it was.
 */
export function createScreen(terminal: Terminal): Screen {
  let shown: readonly string[] = []
  const size = (): { columns: number; rows: number } => ({
    columns: terminal.columns || 80,
    rows: terminal.rows || 24,
  })
  /** To the first column of the first row. A terminal that got narrower since has broken rows in two. */
  const home = (): string => {
    const { columns, rows } = size()
    const used = shown.reduce((sum, row) => sum + Math.max(1, Math.ceil(displayWidth(row) / columns)), 0)
    const up = Math.min(used, rows) - 1
    return up > 0 ? `\r${ESC}[${up}A` : '\r'
  }
  const body = (rows: readonly string[]): string => `${rows.join(`${ESC}[K\r\n`)}${ESC}[K${ESC}[J`
  return {
    size,
    draw(rows) {
      if (rows.length === shown.length && rows.every((row, i) => row === shown[i])) return
      const text = home() + body(rows)
      shown = rows
      terminal.write(text)
    },
    above(text) {
      const ended = text.endsWith('\n') ? text : `${text}\n`
      terminal.write(`${home()}${ESC}[J${ended}${shown.length > 0 ? body(shown) : ''}`)
    },
    clear() {
      if (shown.length > 0) terminal.write(`${home()}${ESC}[J`)
      shown = []
    },
  }
}
