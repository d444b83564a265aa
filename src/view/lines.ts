/** Progress where nothing can be redrawn: lines that a log can keep, few enough that problems stand out. */
import type { Event } from '../run/events.ts'
import type { Outcome } from '../run/status.ts'
import { batchText, problemLine, roughly, slowestText, statusText, took } from './frame.ts'
import { hostCount, line, outcomeLine, stoppedText } from './human.ts'
import type { Progress } from './live.ts'
import { createPaint } from './paint.ts'
import { createTally, isProblem, type Tally, timeLeft } from './tally.ts'

/** Up to so many hosts have a line each. */
const FEW = 20
/** Problems of one kind that are told one by one; how many more there are is in the counts. */
const EACH = 5
/** Why nobody came to a host, where that was said once for all of them. */
const LEFT_OUT: readonly Outcome['cause'][] = ['budget', 'interrupted']
const QUIET_MS = 10_000
const STEP = 0.05

/** Tells of a run over `total` hosts, line by line; of one in which nothing happens what it waits for. */
export function plainProgress(err: (text: string) => void, total: number, clock: () => number): Progress {
  const tally = createTally(['connect', 'probe', 'apply', 'verify', 'persist'], total)
  let toldAt = clock()
  let toldShare = 0
  const tell = (text: string): void => {
    toldAt = clock()
    err(`${text}\n`)
  }
  const counts = (): string => {
    const percent = Math.floor((tally.finished / Math.max(1, total)) * 100)
    const left = timeLeft(tally, clock())
    const time = took(tally.elapsed(clock()).all) + (left === null ? '' : `, about ${roughly(left)} left`)
    const statuses = statusText(tally.statuses)
    return `[${tally.finished}/${total}] ${percent} % in ${time}${statuses === '' ? '' : `: ${statuses}`}`
  }
  const each = (event: Extract<Event, { type: 'outcome' }>): void => {
    const isLeftOut = LEFT_OUT.includes(event.outcome.cause)
    if (total <= FEW) {
      if (!isLeftOut) tell(`[${tally.finished}/${total}] ${outcomeLine(event.outcome, createPaint(false))}`)
      return
    }
    if (isLeftOut && tally.finished < total) return
    if (isProblem(event.outcome.status)) tellProblem()
    const share = tally.finished / total
    if (share < toldShare + STEP && tally.finished < total) return
    toldShare = share
    tell(counts())
  }
  const tellProblem = (): void => {
    const last = tally.problems.at(-1)
    if (last === undefined || last.times > EACH) return
    tell(`[${tally.finished}/${total}] ${problemLine({ ...last, times: 1 })}`)
    if (last.times === EACH) tell('  more of the same kind are only counted')
  }
  const heartbeat = (): void => {
    if (clock() - toldAt < QUIET_MS || tally.finished === total) return
    tell(`${counts()}; ${waitingFor(tally, clock())}`)
  }
  const ticker = setInterval(heartbeat, 1000).unref()
  return {
    onEvent(event) {
      tally.count(event, clock())
      if (event.type === 'outcome') each(event)
      else if (event.type === 'batch') tell(batchText(event))
      else if (event.type === 'gate') tell(gateText(event))
      else if (event.type === 'stopped') tell(`stopping: ${stoppedText(event)}`)
    },
    async settle() {
      clearInterval(ticker)
    },
  }
}

/** `after batch 1: bake passed: 2m` */
function gateText({ after, kind, status, detail }: Extract<Event, { type: 'gate' }>): string {
  return `after batch ${after}: ${kind} ${status}: ${line(detail)}`
}

/** What a silent run waits for: a gate, or its slowest hosts. */
function waitingFor(tally: Tally, now: number): string {
  const { gate, flights } = tally
  if (gate?.status === 'begun') return `waiting for ${gate.kind} after batch ${gate.after} (${took(now - gate.since)})`
  if (flights.size === 0) return 'no host in flight'
  return `waiting for ${hostCount(flights.size)}, slowest ${slowestText(tally, now)}`
}
