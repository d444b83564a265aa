/** The view for people: progress on stderr, results on stdout. */
import type { Phase } from '../run/events.ts'
import { factsText } from './facts-text.ts'
import { recapText, type Stopped } from './human.ts'
import { plainProgress } from './lines.ts'
import { liveProgress, type Progress } from './live.ts'
import { createPaint } from './paint.ts'
import { plansPieces } from './plans.ts'
import { print, type Streams, type View } from './view.ts'

/** Shows the phases of a command over `total` hosts; a second pass begins by itself at the first event after `settle`. */
export function progressOf(
  streams: Streams,
  phases: readonly Phase[],
  total: number,
): Pick<View, 'onEvent' | 'settle'> {
  const { err, terminal = null, unicode = true } = streams
  const paint = createPaint(streams.color)
  const clock = (): number => performance.now()
  const start = (): Progress =>
    terminal ? liveProgress(phases, total, { terminal, paint, unicode, clock }) : plainProgress(err, total, clock)
  let progress: Progress | null = null
  return {
    onEvent(event) {
      progress ??= start()
      progress.onEvent(event)
    },
    async settle() {
      await progress?.settle()
      progress = null
    },
  }
}

/** `--output human`. */
export function terminalView(streams: Streams, phases: readonly Phase[], total: number): View {
  const paint = createPaint(streams.color)
  const progress = progressOf(streams, phases, total)
  let stopped: Stopped | undefined
  return {
    ...progress,
    onLook: progress.onEvent,
    onEvent(event) {
      progress.onEvent(event)
      if (event.type === 'stopped') stopped = event
    },
    plans: outcomes => print(streams, plansPieces(outcomes, paint)),
    facts: outcomes => print(streams, [factsText(outcomes, paint)]),
    result: (_, outcomes) => print(streams, [recapText(outcomes, paint, stopped)]),
  }
}
