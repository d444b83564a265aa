/** A screen of its own, which goes and leaves the terminal as it was, whatever ends the program; and the keys typed there. */
import type { Terminal } from './screen.ts'

/** What is typed. */
export interface Keyboard {
  setRawMode(raw: boolean): unknown
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
  resume(): unknown
  pause(): unknown
}

export interface Alternate {
  readonly size: () => { readonly columns: number; readonly rows: number }
  readonly draw: (rows: readonly string[]) => void
  /** May be called twice. */
  readonly leave: () => void
}

const ESC = '\u001b'
const ENTER = `${ESC}[?1049h${ESC}[?25l${ESC}[H${ESC}[J`
/** Terminals that know it show a frame once it is whole; the others pass it over. */
const BEGIN = `${ESC}[?2026h`
const END = `${ESC}[?2026l`
const LEAVE = `${ESC}[?25h${ESC}[?1049l`

/** Takes over the terminal. Also when an error ends the program, `leave` comes before its words are printed. */
export function enterAlternate(terminal: Terminal, keyboard: Keyboard, onKeys: (text: string) => void): Alternate {
  let isIn = true
  let shown: readonly string[] = []
  let shape = ''
  const onData = (chunk: Buffer): void => onKeys(chunk.toString('utf8'))
  const leave = (): void => {
    if (!isIn) return
    isIn = false
    process.off('exit', leave)
    keyboard.off('data', onData)
    keyboard.setRawMode(false)
    keyboard.pause()
    terminal.write(LEAVE)
  }
  process.on('exit', leave)
  terminal.write(ENTER)
  keyboard.setRawMode(true)
  keyboard.on('data', onData)
  keyboard.resume()
  const size = (): { columns: number; rows: number } => ({
    columns: terminal.columns || 80,
    rows: terminal.rows || 24,
  })
  return {
    leave,
    size,
    draw(rows) {
      if (!isIn) return
      const { columns, rows: lines } = size()
      const now = `${columns} ${lines} ${rows.length}`
      // Rows that stayed are not written again, unless others came or went, or the terminal has moved them about.
      const same = now === shape
      if (same && rows.every((row, i) => row === shown[i])) return
      shape = now
      const changed = rows.map((row, i) => (same && row === shown[i] ? '' : `${ESC}[K${row}`))
      shown = rows
      terminal.write(`${BEGIN}${ESC}[H${changed.join('\r\n')}${same ? '' : `${ESC}[J`}${END}`)
    },
  }
}
