/** What is known of all hosts. */
import { type Row, rowOf } from './row.ts'
import { advance, unseen, type WatchEvent, type Watched } from './watched.ts'

export interface Board {
  readonly apply: (event: WatchEvent) => Watched
  readonly of: (host: string) => Watched
  /** In the order of the inventory. */
  readonly all: () => readonly Watched[]
  readonly rows: () => readonly Row[]
}

/** Nobody has been seen yet. */
export function createBoard(names: readonly string[]): Board {
  const states = new Map(names.map(name => [name, unseen(name)]))
  const of = (host: string): Watched => {
    const state = states.get(host)
    if (!state) throw new RangeError(`nobody watches ${host}`)
    return state
  }
  const all = (): readonly Watched[] => [...states.values()]
  return {
    of,
    all,
    rows: () => all().map(rowOf),
    apply(event) {
      const next = advance(of(event.host), event)
      states.set(event.host, next)
      return next
    },
  }
}
