/** Views whose result is a report: progress for people on stderr, the report on stdout. */
import type { Phase } from '../run/events.ts'
import { factsXml, runXml } from './junit.ts'
import { factsTicket, type Story, ticketPieces } from './markdown.ts'
import { createPaint } from './paint.ts'
import { plansPieces } from './plans.ts'
import { progressOf } from './terminal.ts'
import { print, type Streams, type View } from './view.ts'

interface Told {
  readonly view: Pick<View, 'onEvent' | 'onLook' | 'settle' | 'plans' | 'ask'>
  readonly story: () => Story
}

function told(streams: Streams, phases: readonly Phase[], total: number): Told {
  const progress = progressOf(streams, phases, total)
  const batches: Story['batches'][number][] = []
  const gates: Story['gates'][number][] = []
  let stopped: Story['stopped']
  return {
    view: {
      ...progress,
      onLook: progress.onEvent,
      onEvent(event) {
        progress.onEvent(event)
        if (event.type === 'batch') batches.push(event)
        else if (event.type === 'gate') gates.push(event)
        else if (event.type === 'stopped') stopped = event
      },
      async plans() {},
      ask: outcomes => print({ ...streams, out: streams.err }, plansPieces(outcomes, createPaint(false))),
    },
    story: () => ({ batches, gates, stopped }),
  }
}

/** `--output markdown`: the change ticket. */
export function markdownView(streams: Streams, phases: readonly Phase[], total: number): View {
  const { view, story } = told(streams, phases, total)
  return {
    ...view,
    facts: (outcomes, exitCode) => print(streams, [factsTicket(outcomes, exitCode)]),
    result: (header, outcomes, exitCode) =>
      print(streams, ticketPieces({ header, outcomes, exitCode, story: story() })),
  }
}

/** `--output junit`. */
export function junitView(streams: Streams, phases: readonly Phase[], total: number): View {
  const { view, story } = told(streams, phases, total)
  return {
    ...view,
    facts: (outcomes, exitCode) => print(streams, factsXml(outcomes, exitCode)),
    result: (header, outcomes, exitCode) => print(streams, runXml(header, outcomes, exitCode, story().stopped)),
  }
}
