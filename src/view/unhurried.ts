/** What goes on for as long as somebody looks, said to a reader who may be slow: of each kind the newest waits for it. */
import type { Streams } from './view.ts'

export interface Unhurried {
  /** Says it now, or once there is room, unless there is something newer of its kind by then. */
  say(kind: string, text: () => string): void
  /** Says what waits, and this after it, room or not. */
  end(text: string): void
}

/** Holds back what a full stream would only heap up. */
export function unhurried({ out, drained }: Pick<Streams, 'out' | 'drained'>): Unhurried {
  const waiting = new Map<string, () => string>()
  let isFull = false
  const write = (text: string): void => {
    if (out(text) !== false || drained === undefined) return
    isFull = true
    void drained().then(() => {
      isFull = false
      for (const [kind, next] of waiting) {
        if (isFull) return
        waiting.delete(kind)
        write(next())
      }
    })
  }
  return {
    say(kind, text) {
      if (!isFull) return write(text())
      waiting.delete(kind)
      waiting.set(kind, text)
    },
    end(text) {
      for (const next of waiting.values()) out(next())
      waiting.clear()
      if (text !== '') out(text)
    },
  }
}
