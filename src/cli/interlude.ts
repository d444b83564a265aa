/** A question in the middle of a run: the display ends for it, and goes on when it is answered. */
import type { Event, Listener } from '../run/events.ts'
import type { View } from '../view/view.ts'

export interface Interlude {
  /** To be told of every event instead of the view. */
  readonly onEvent: Listener
  /** The same of what a first look came to. */
  readonly onLook: Listener
  /** Asks while nothing is drawn; what happens meanwhile is shown afterwards. One at a time. */
  readonly during: <T>(ask: () => Promise<T>) => Promise<T>
}

/** Stands between the run and its view. */
export function createInterlude(view: Pick<View, 'onEvent' | 'onLook' | 'settle'>): Interlude {
  let held: (() => void)[] | null = null
  const told =
    (listener: Listener) =>
    (event: Event): void => {
      if (held) held.push(() => listener(event))
      else listener(event)
    }
  return {
    onEvent: told(view.onEvent),
    onLook: told(view.onLook ?? (() => {})),
    async during(ask) {
      held = []
      try {
        await view.settle()
        return await ask()
      } finally {
        const missed = held
        held = null
        for (const tell of missed) tell()
      }
    },
  }
}
