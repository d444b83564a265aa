/** `ctfix watch`: how full the tables are, for as long as somebody looks. */

import { EXIT, type ExitCode, UsageError } from '../errors.ts'
import { mostOpen } from '../run/outside/lasting.ts'
import { exitCodeOfRun } from '../run/status.ts'
import { createConnect } from '../transport/connect.ts'
import { type MetricsOptions, metricsText } from '../view/metrics.ts'
import { processStreams } from '../view/streams.ts'
import { screenView } from '../view/watch-screen.ts'
import { eventsView, lookOf, tablesView, type WatchView, type WatchViewOptions } from '../view/watch-view.ts'
import { type Board, createBoard } from '../watch/board.ts'
import { watchFleet } from '../watch/fleet.ts'
import { checkHeldFiles } from '../watch/held-files.ts'
import { seeFromHere } from '../watch/seen-from-here.ts'
import type { Link, WatchEvent } from '../watch/watched.ts'
import { type MetricsFile, openMetrics } from './metrics-file.ts'
import { lastingOf } from './outside.ts'
import { connectOptions, openFleet } from './session.ts'
import type { WatchOptions } from './watch-options.ts'

/** Of a host: two, so that there is a rate. */
const READINGS_OF_ONCE = 2
/** A screen is drawn again after so long, for ages go on. */
const REDRAW_MS = 1000

/** Watches until somebody ends it. */
export async function watch(options: WatchOptions): Promise<void> {
  checkOutput(options)
  const { hosts } = await openFleet(options)
  checkHeldFiles(hosts, options.forks, { besides: mostOpen(options.probe ?? [], hosts.length) })
  const measure = await lastingOf(options)
  const board = createBoard(hosts.map(({ name }) => name))
  const metrics = await openMetricsOf(options, board)
  const end = endings()
  const view = createWatchView(options, board, end.by)
  const emit = (event: WatchEvent): void => view.onEvent(event, board.apply(event))
  const intervalMs = options.interval * 1000
  using seen = measure && seeFromHere(hosts, measure, { intervalMs, emit })
  seen?.tell()
  const tick = (): void => {
    seen?.tell()
    view.tick()
    if (metrics) void writeMetrics(metrics, board, view)
  }
  const timer = setInterval(tick, intervalMs)
  const during = <T>(ask: () => Promise<T>): Promise<T> => view.during(ask)
  const observe = options.verbose && !isScreen(options) ? { observe: say } : {}
  try {
    await watchFleet(hosts, {
      connect: createConnect({ ...connectOptions(options, during), ...observe }),
      ...{ intervalMs, forks: options.forks, signal: end.signal, emit },
      readings: options.once ? READINGS_OF_ONCE : null,
      newestLine: host => board.of(host).newestLine,
    })
    // What is under way is heard of; who leaves is not kept by it.
    if (options.once && seen) await Promise.race([seen.settle(), end.ended])
    // Nobody is left who could be tried again; what there is to see stays to be seen.
    if (isScreen(options)) await end.ended
  } finally {
    clearInterval(timer)
    const exitCode = end.how() === 'interrupt' ? EXIT.interrupted : end.how() === 'quit' ? EXIT.ok : exitCodeOf(board)
    view.end(exitCode)
    if (metrics) await writeMetrics(metrics, board, view)
    process.exitCode = exitCode
  }
}

function say({ host, type }: { readonly host: string; readonly type: string }): void {
  process.stderr.write(`${host}: ${type}\n`)
}

function checkOutput({ output, once, sort, probe = [] }: WatchOptions): void {
  if (sort === 'loss' && probe.length === 0) {
    throw new UsageError('--sort loss: nothing is measured', { hint: 'say what: --probe tcp:443, or --probe ping' })
  }
  if (output === 'json' && !once) {
    throw new UsageError('--output json is one document, and a watch does not end', {
      hint: '--once, or --output ndjson',
    })
  }
}

/** There is somebody to draw for, and to type. */
function isScreen({ output, once }: WatchOptions): boolean {
  const { stdin, stdout } = process
  const { TERM = 'dumb', CI } = process.env
  const able = TERM !== '' && TERM !== 'dumb' && !CI
  return output === 'human' && !once && stdin.isTTY === true && stdout.isTTY === true && able
}

function createWatchView(options: WatchOptions, board: Board, end: (how: 'quit' | 'interrupt') => void): WatchView {
  const streams = processStreams(options.color)
  const { sort, interval: intervalSeconds, once = false, output } = options
  const about: WatchViewOptions = { board, streams, sort, intervalSeconds, once }
  if (!isScreen(options)) {
    if (once && process.stderr.isTTY) streams.err(`two looks, ${intervalSeconds} s apart …\n`)
    return output === 'human' ? tablesView(about) : eventsView(output === 'json' ? 'json' : 'ndjson', about)
  }
  const { stdin, stdout } = process
  const view = screenView(about, {
    ...{ terminal: stdout, keyboard: stdin, look: lookOf(streams) },
    clock: () => performance.now(),
    onEnd: end,
  })
  stdout.on('resize', view.redraw)
  if (intervalSeconds * 1000 > REDRAW_MS) setInterval(view.redraw, REDRAW_MS).unref()
  return view
}

/** A watch ends by a key, by a signal, or because nobody reads it any more. */
function endings(): {
  readonly signal: AbortSignal
  readonly ended: Promise<void>
  readonly how: () => 'quit' | 'interrupt' | null
  readonly by: (how: 'quit' | 'interrupt') => void
} {
  const stop = new AbortController()
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let how: 'quit' | 'interrupt' | null = null
  const by = (reason: 'quit' | 'interrupt'): void => {
    how ??= reason
    stop.abort()
    resolve()
    // A goodbye that hangs keeps nobody waiting.
    setTimeout(() => process.exit(), 2000).unref()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => by('interrupt'))
  process.stdout.on('error', () => by('quit'))
  return { signal: stop.signal, ended, how: () => how, by }
}

const STATUS = { lost: 'unreachable', unreachable: 'unreachable', failed: 'failed', skipped: 'skipped' } as const

function exitCodeOf(board: Board): ExitCode {
  const statusOf = (link: Link) =>
    link === 'live' || link === 'connecting' || link === 'excluded' ? 'ok' : STATUS[link]
  return exitCodeOfRun(
    board.all().map(({ link }) => ({ status: statusOf(link), cause: null })),
    false,
  )
}

/** The collector of node_exporter takes files of this name, and no others. */
function metricsOptions(file: string): MetricsOptions {
  return { epochMs: performance.timeOrigin, forCollector: file.endsWith('.prom') }
}

async function openMetricsOf({ metrics }: WatchOptions, board: Board): Promise<MetricsFile | null> {
  return metrics === undefined ? null : openMetrics(metrics, metricsText(board.all(), metricsOptions(metrics)))
}

async function writeMetrics(metrics: MetricsFile, board: Board, view: WatchView): Promise<void> {
  view.note(await metrics.write(metricsText(board.all(), metricsOptions(metrics.name))))
}
