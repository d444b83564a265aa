/**
 * Progress on a terminal: one task a phase, never one a host (the renderer's cost grows faster than the number of tasks:
 * a hundred tasks cost nine seconds of busy event loop, a thousand never end). The only file that knows listr2.
 */
import { Listr, ListrLogger, ProcessOutput } from 'listr2'
import type { Event, Phase } from '../run/events.ts'

const TITLES: Readonly<Record<Phase, string>> = {
  connect: 'Connect',
  probe: 'Look',
  apply: 'Change live values',
  verify: 'Prove it over a new connection',
  persist: 'Write the files that keep it',
}

/** The part of the renderer's task that is drawn. */
interface Wrapper {
  title: string
}

export interface Progress {
  readonly onEvent: (event: Event) => void
  /** Ends the display and resolves when the last frame is drawn. */
  readonly settle: () => Promise<void>
}

/** Starts the display for the phases of a command over `total` hosts. */
export function liveProgress(phases: readonly Phase[], total: number): Progress {
  const where = new Map<string, Phase>()
  const passed = new Map<Phase, number>()
  const wrappers = new Map<Phase, Wrapper>()
  const done = Promise.withResolvers<void>()
  let finished = 0
  let failed = 0

  const leave = (host: string): void => {
    const phase = where.get(host)
    if (phase) passed.set(phase, (passed.get(phase) ?? 0) + 1)
    where.delete(host)
  }
  const summary = (phase: Phase): string => {
    const here = [...where.values()].filter(other => other === phase).length
    return `${TITLES[phase]}  ${here} now, ${passed.get(phase) ?? 0} done`
  }
  const draw = (): void => {
    for (const [phase, wrapper] of wrappers) wrapper.title = summary(phase)
  }
  const overall = (): string => `${finished} of ${total} hosts done${failed > 0 ? `, ${failed} with problems` : ''}`

  const tasks = phases.map(phase => ({
    title: TITLES[phase],
    task: (_: unknown, wrapper: Wrapper): Promise<void> => {
      wrappers.set(phase, wrapper)
      return done.promise
    },
  }))
  const list = new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    rendererOptions: {
      collapseSubtasks: false,
      logger: new ListrLogger({
        useIcons: false,
        toStderr: [],
        processOutput: new ProcessOutput(process.stderr, process.stderr),
      }),
    },
  })
  const running = list.run()
  // Ten frames a second are enough for an eye, and cost nothing.
  const ticker = setInterval(draw, 100)
  return {
    onEvent(event) {
      if (event.type === 'phase') {
        leave(event.host)
        where.set(event.host, event.phase)
      }
      if (event.type !== 'outcome') return
      leave(event.host)
      finished += 1
      if (!['ok', 'changed', 'would-change'].includes(event.outcome.status)) failed += 1
    },
    async settle() {
      clearInterval(ticker)
      for (const [phase, wrapper] of wrappers) wrapper.title = TITLES[phase]
      const last = phases.at(-1)
      if (last) {
        const wrapper = wrappers.get(last)
        if (wrapper) wrapper.title = `${TITLES[last]}  ${overall()}`
      }
      done.resolve()
      await running
    },
  }
}
