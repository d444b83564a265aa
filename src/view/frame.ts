/** The rows of the live view: at most twelve, none wider than the terminal, whatever the size of the fleet. */
import { formatDuration } from '../lang/duration.ts'
import { formatCount } from '../lang/numbers.ts'
import { STATUSES } from '../run/status.ts'
import { hostRange } from './hostrange.ts'
import { hostCount, line, stoppedText } from './human.ts'
import type { Paint } from './paint.ts'
import { DOING, isProblem, type Problem, slowest, type Tally, timeLeft } from './tally.ts'
import { cutTo, displayWidth, padTo } from './width.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

interface Look {
  readonly paint: Paint
  /** False: letters beyond ASCII would come out as question marks. */
  readonly unicode: boolean
}

interface Row {
  readonly text: string
  readonly style?: (text: string) => string
  /** Rows with the highest go first where the terminal is too low. */
  readonly rank: number
}

export const MOST_ROWS = 12
const PROBLEMS = 3
const LEAST_BAR = 10

/** Draws where a run stands. `phaseRows`: a line for each phase, in order. */
export function frame(
  tally: Tally,
  phaseRows: readonly string[],
  now: number,
  { columns, rows }: Size,
  look: Look,
): string[] {
  // The last column stays empty: a terminal that is full to the brim goes to the next line.
  const width = Math.max(1, columns - 1)
  const all = [barRow(tally, now, width), ...stageRow(tally, now, look), ...phases(tally, phaseRows, look)]
  const rest = [...statusRow(tally), ...slowestRow(tally, now), ...problemRows(tally, look)]
  return fitting([...all, ...rest], Math.min(MOST_ROWS, Math.max(1, rows))).map(({ text, style = plainly }) =>
    style(look.unicode ? cutTo(text, width) : toAscii(cutTo(text, width))),
  )
}

const plainly = (text: string): string => text

function fitting(rows: readonly Row[], most: number): readonly Row[] {
  if (rows.length <= most) return rows
  const kept = new Set(rows.toSorted((a, b) => a.rank - b.rank).slice(0, most))
  return rows.filter(row => kept.has(row))
}

const ASCII: Readonly<Record<string, string>> = { '█': '#', '░': '-', '·': '|', '×': 'x', '▸': '>', '…': '~' }

function toAscii(text: string): string {
  return text.replace(/[█░·×▸…]/g, mark => ASCII[mark] ?? mark)
}

function barRow(tally: Tally, now: number, width: number): Row {
  const share = tally.share()
  const { all } = tally.elapsed(now)
  const left = timeLeft(tally, now)
  const percent = `${Math.floor(share * 100)} %`
  const time = left === null ? took(all) : `${took(all)}, about ${roughly(left)} left`
  const text = `${formatCount(tally.finished)} of ${hostCount(tally.total)} done  ${percent}  ${time}`
  const room = Math.min(40, width - displayWidth(text) - 2)
  if (room < LEAST_BAR) return { text, rank: 0 }
  const full = Math.floor(share * room)
  return { text: `${'█'.repeat(full)}${'░'.repeat(room - full)}  ${text}`, rank: 0 }
}

/** `2m14s` */
export function took(ms: number): string {
  return formatDuration(Math.round(ms / 1000))
}

/** What nobody can know to the second is not said to the second. */
export function roughly(ms: number): string {
  const seconds = ms / 1000
  const step = seconds < 60 ? 5 : seconds < 600 ? 15 : 60
  return formatDuration(Math.max(1, Math.ceil(seconds / step)) * step)
}

/** The batch, what is waited for after it, or why the run stops. */
function stageRow({ batch, gate, stopped, flights }: Tally, now: number, { paint }: Look): Row[] {
  if (stopped) {
    const text = `stopping: ${stoppedText(stopped)}; ${hostCount(flights.size)} still in flight`
    return [{ text, rank: 1, style: paint.red }]
  }
  if (gate?.status === 'begun') {
    const what = { bake: 'waiting', command: 'asking', symptom: 'watching the drops' }[gate.kind]
    const text = `after batch ${gate.after}: ${what}: ${line(gate.detail)} (${took(now - gate.since)} so far)`
    return [{ text, rank: 1, style: paint.yellow }]
  }
  if (!batch) return []
  return [{ text: batchText(batch), rank: 1, style: paint.bold }]
}

/** `batch 3 of 12: 100 hosts  web-[113-212]` */
export function batchText({ index, of, hosts, canary }: NonNullable<Tally['batch']>): string {
  const range = rangeOf(hosts)
  return `batch ${index} of ${of}${canary ? ' (canary)' : ''}: ${hostCount(hosts.length)}  ${range}`
}

const ranges = new WeakMap<readonly string[], string>()

/** Of a batch that is drawn ten times a second. */
function rangeOf(hosts: readonly string[]): string {
  const range = ranges.get(hosts) ?? line(hostRange(hosts))
  ranges.set(hosts, range)
  return range
}

function phases(tally: Tally, texts: readonly string[], { paint }: Look): Row[] {
  return [...tally.phases.values()].map(({ now }, i) => {
    const text = `${now > 0 ? '▸' : ' '} ${texts[i] ?? ''}`
    return now > 0 ? { text, rank: 4 } : { text, rank: 6, style: paint.dim }
  })
}

/** `Look   12 now    600 done   3 failed` */
export function phaseText(title: string, { now, done, failed }: { now: number; done: number; failed: number }): string {
  if (now + done + failed === 0) return title
  const lost = failed > 0 ? `  ${formatCount(failed).padStart(6)} failed` : ''
  return `${padTo(title, 31)} ${formatCount(now).padStart(6)} now  ${formatCount(done).padStart(6)} done${lost}`
}

/** `996 changed · 4 unreachable` */
export function statusText(statuses: Tally['statuses']): string {
  return STATUSES.flatMap(status => {
    const n = statuses.get(status)
    return n ? [`${formatCount(n)} ${status}`] : []
  }).join(' · ')
}

function statusRow({ statuses }: Tally): Row[] {
  const text = statusText(statuses)
  return text === '' ? [] : [{ text, rank: 2 }]
}

function slowestRow(tally: Tally, now: number): Row[] {
  const text = slowestText(tally, now)
  return text === '' ? [] : [{ text: `slowest: ${text}`, rank: 5 }]
}

/** `web-117 proving 38s · web-121 connecting 21s` */
export function slowestText(tally: Tally, now: number): string {
  return slowest(tally, PROBLEMS)
    .map(({ host, phase, since }) => `${line(host)} ${DOING[phase]} ${took(now - since)}`)
    .join(' · ')
}

/** The newest at the bottom, where the eye is. */
function problemRows({ problems }: Tally, { paint }: Look): Row[] {
  return problems.slice(-PROBLEMS).map((problem, i, shown) => ({
    text: problemLine(problem),
    rank: i === shown.length - 1 ? 3 : 7,
    style: isProblem(problem.status) && problem.status !== 'blocked' ? paint.red : paint.yellow,
  }))
}

/** `unreachable ×41  web-317  cannot connect to …` */
export function problemLine({ status, times, host, text }: Problem): string {
  return `${status}${times > 1 ? ` ×${formatCount(times)}` : ''}  ${line(host)}  ${line(text)}`.trimEnd()
}
