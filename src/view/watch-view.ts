/** How a watch shows itself: a screen, tables one below the other, or events for programs. */
import type { ExitCode } from '../errors.ts'
import { plain } from '../lang/text.ts'
import type { Board } from '../watch/board.ts'
import { isLost, ordered, type Sort } from '../watch/row.ts'
import type { WatchEvent, Watched } from '../watch/watched.ts'
import { createPaint } from './paint.ts'
import { unhurried } from './unhurried.ts'
import type { Streams } from './view.ts'
import { watchDocument, watchEventDocument } from './watch-json.ts'
import { type Look, tableText } from './watch-table.ts'

export interface WatchView {
  onEvent(event: WatchEvent, after: Watched): void
  /** An interval has passed. */
  tick(): void
  /** Gives the terminal back for a question. */
  during<T>(ask: () => Promise<T>): Promise<T>
  /** Said besides: metrics that cannot be written. null: no more. */
  note(text: string | null): void
  end(exitCode: ExitCode): void
}

export interface WatchViewOptions {
  readonly board: Board
  readonly streams: Streams
  readonly sort: Sort
  readonly intervalSeconds: number
  readonly once: boolean
}

export const lookOf = ({ color, unicode = true }: Streams): Look => ({ paint: createPaint(color), unicode })

/** Where nothing can be drawn over: one table an interval; with `once` a single one. */
export function tablesView({ board, streams, sort, once }: WatchViewOptions): WatchView {
  const { err } = streams
  const look = lookOf(streams)
  const slow = unhurried(streams)
  const table = (): string => tableText(ordered(board.rows(), sort), { nowMs: performance.now(), look })
  return {
    onEvent(event, { error }) {
      if (once || event.type !== 'link' || error === null) return
      err(`ctfix: ${plain(event.host)}: ${event.link}: ${plain(error)}\n`)
    },
    tick() {
      if (once) return
      slow.say('table', () => `${new Date().toISOString()}\n${table()}\n`)
    },
    during: ask => ask(),
    note: text => text !== null && err(`ctfix: ${plain(text)}\n`),
    end() {
      if (!once) return
      slow.end(table())
      const lost = board.rows().filter(row => isLost(row) && row.family !== undefined)
      for (const { host, link, error } of lost) err(`ctfix: ${plain(host)}: ${link}: ${plain(error ?? '')}\n`)
    },
  }
}

/** `--output ndjson`, and `json`, which is its last line alone. */
export function eventsView(
  output: 'json' | 'ndjson',
  { board, streams, intervalSeconds, once }: WatchViewOptions,
): WatchView {
  const { err } = streams
  const out = unhurried(streams)
  const text = (document: unknown): string => `${JSON.stringify(document, null, output === 'json' ? 2 : 0)}\n`
  return {
    onEvent(event, after) {
      if (output !== 'ndjson') return
      const at = new Date()
      out.say(`${event.type} ${event.host}`, () => text(watchEventDocument(event, after, at)))
    },
    tick() {},
    during: ask => ask(),
    note: text => text !== null && err(`ctfix: ${plain(text)}\n`),
    end(exitCode) {
      if (once)
        out.end(
          text(watchDocument(board.all(), { exitCode, intervalSeconds, now: new Date(), nowMs: performance.now() })),
        )
      else out.end('')
    },
  }
}
