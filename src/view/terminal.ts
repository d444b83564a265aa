/** The view for people: progress on stderr, results on stdout. */
import type { Event, Phase } from '../run/events.ts'
import { factsText, outcomeLine, plansText, recapText } from './human.ts'
import { liveProgress, type Progress } from './live.ts'
import { createPaint } from './paint.ts'
import type { Streams, View } from './view.ts'

/** Off a terminal: one line a host when it is done. */
function plainProgress(err: (text: string) => void, total: number): Progress {
  const paint = createPaint(false)
  let done = 0
  return {
    onEvent(event: Event) {
      if (event.type !== 'outcome') return
      done += 1
      err(`[${done}/${total}] ${outcomeLine(event.outcome, paint)}\n`)
    },
    async settle() {},
  }
}

/** Shows the phases of a command over `total` hosts; a second pass begins by itself at the first event after `settle`. */
export function terminalView(streams: Streams, phases: readonly Phase[], total: number): View {
  const paint = createPaint(streams.color)
  const start = (): Progress => (streams.interactive ? liveProgress(phases, total) : plainProgress(streams.err, total))
  let progress: Progress | null = null
  return {
    onEvent(event) {
      progress ??= start()
      progress.onEvent(event)
    },
    plans: outcomes => streams.out(`${plansText(outcomes, paint)}\n`),
    async settle() {
      await progress?.settle()
      progress = null
    },
    facts: outcomes => streams.out(factsText(outcomes, paint)),
    result: (_header, outcomes) => streams.out(recapText(outcomes, paint)),
  }
}
