/** The watch on a terminal. */
import type { Board } from '../watch/board.ts'
import { type Alternate, enterAlternate, type Keyboard } from './alternate.ts'
import type { Terminal } from './screen.ts'
import { fitting, type Screenful, screenful, selected } from './watch-frame.ts'
import { type Display, FIRST, keysOf, press } from './watch-keys.ts'
import { isMeasured } from './watch-probe.ts'
import type { Look } from './watch-table.ts'
import type { WatchView, WatchViewOptions } from './watch-view.ts'

export interface Stage {
  readonly terminal: Terminal
  readonly keyboard: Keyboard
  readonly look: Look
  readonly clock: () => number
  readonly onEnd: (how: 'quit' | 'interrupt') => void
}

/** Draws once an interval and after every key. */
export function screenView(
  { board, sort, intervalSeconds }: Pick<WatchViewOptions, 'board' | 'sort' | 'intervalSeconds'>,
  stage: Stage,
): WatchView & { readonly redraw: () => void } {
  const { terminal, keyboard, look, clock, onEnd } = stage
  let display: Display = { ...FIRST, sort }
  let note: string | null = null
  let alternate: Alternate
  const redraw = (): void => {
    const size = alternate.size()
    const screen: Screenful = { ...{ display, size, look, intervalSeconds, note }, nowMs: clock() }
    alternate.draw(screenful(board.rows(), screen))
  }
  const onKeys = (text: string): void => {
    for (const key of keysOf(text)) {
      const next = press(display, key, room(board, display, alternate.size()))
      if (next === 'quit' || next === 'interrupt') {
        onEnd(next)
        return
      }
      display = next
    }
    redraw()
  }
  const enter = (): Alternate => enterAlternate(terminal, keyboard, onKeys)
  alternate = enter()
  redraw()
  return {
    redraw,
    onEvent() {},
    tick: redraw,
    async during(ask) {
      alternate.leave()
      try {
        return await ask()
      } finally {
        alternate = enter()
        redraw()
      }
    },
    note(text) {
      note = text
    },
    end: () => alternate.leave(),
  }
}

function room(board: Board, display: Display, size: Screenful['size']): Parameters<typeof press>[2] {
  const rows = board.rows()
  const all = selected(rows, display).length
  return { all, fit: fitting(all, size), measured: isMeasured(rows) }
}
