/**
 * Progress on a terminal: one task a phase, never one a host (the cost of listr2's own renderer grows faster than the
 * number of tasks: a hundred tasks keep the event loop busy for nine seconds, a thousand never end). The rows are ours, and
 * so is Ctrl-C: listr2 would end the process in the middle of the hosts. The only file that knows listr2.
 */
import { Listr, type ListrRenderer } from 'listr2'
import { formatCount } from '../lang/numbers.ts'
import type { Event, Phase } from '../run/events.ts'
import { frame, phaseText, statusText, took } from './frame.ts'
import { hostCount } from './human.ts'
import type { Paint } from './paint.ts'
import { createScreen, type Terminal } from './screen.ts'
import { createTally, TITLES } from './tally.ts'

export interface Progress {
  readonly onEvent: (event: Event) => void
  /** Ends the display and resolves when the last of it is drawn. */
  readonly settle: () => Promise<void>
}

/** What the display is drawn on; tests give their own. */
export interface Stage {
  readonly terminal: Terminal
  readonly paint: Paint
  readonly unicode: boolean
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
}

/** Ten frames a second are enough for an eye, and cost nothing. */
const FRAME_MS = 100

type Draw = (titles: () => readonly string[]) => void

/** Draws the titles of the tasks; listr2 makes one for a run. */
class Rows implements ListrRenderer {
  static readonly nonTTY = true
  static readonly rendererOptions: { readonly draw: Draw }
  static readonly rendererTaskOptions: never
  readonly #tasks: readonly { readonly title?: string }[]
  readonly #draw: Draw
  #ticker: NodeJS.Timeout | undefined
  constructor(tasks: readonly { readonly title?: string }[], { draw }: { readonly draw: Draw }) {
    this.#tasks = tasks
    this.#draw = draw
  }
  render(): void {
    const tick = (): void => this.#draw(() => this.#tasks.map(({ title = '' }) => title))
    this.#ticker = setInterval(tick, FRAME_MS).unref()
    tick()
  }
  end(): void {
    clearInterval(this.#ticker)
  }
}

/** Starts the display for the phases of a command over `total` hosts. */
export function liveProgress(
  phases: readonly Phase[],
  total: number,
  { terminal, paint, unicode, clock }: Stage,
): Progress {
  const tally = createTally(phases, total)
  const screen = createScreen(terminal)
  const wrappers = new Map<Phase, { title: string }>()
  const done = Promise.withResolvers<void>()
  const draw: Draw = titles => {
    for (const [phase, count] of tally.phases) {
      const wrapper = wrappers.get(phase)
      if (wrapper) wrapper.title = phaseText(TITLES[phase], count)
    }
    screen.draw(frame(tally, titles(), clock(), screen.size(), { paint, unicode }))
  }
  const tasks = phases.map(phase => ({
    title: TITLES[phase],
    task: (_: unknown, wrapper: { title: string }): Promise<void> => {
      wrappers.set(phase, wrapper)
      return done.promise
    },
  }))
  const running = new Listr(tasks, {
    concurrent: true,
    renderer: Rows,
    rendererOptions: { draw },
    registerSignalListeners: false,
  }).run()
  const giveBack = terminal.share?.(screen.above)
  // Who leaves at once is not left with half a display, and a prompt at its end.
  process.once('exit', screen.clear)
  return {
    onEvent: event => tally.count(event, clock()),
    async settle() {
      done.resolve()
      await running
      giveBack?.()
      process.off('exit', screen.clear)
      screen.clear()
      if (tally.finished === 0) return
      const counts = statusText(tally.statuses).replaceAll(' · ', ', ')
      const among = tally.finished < total ? `${formatCount(tally.finished)} of ${hostCount(total)}` : hostCount(total)
      terminal.write(`${among} in ${took(tally.elapsed(clock()).all)}: ${counts}\n`)
    },
  }
}
