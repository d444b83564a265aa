/** The columns of the watch table: what each shows of a host, how wide it is, and which go first where there is no room. */
import { formatDuration } from '../lang/duration.ts'
import { formatCount } from '../lang/numbers.ts'
import { isLost, type Row } from '../watch/row.ts'
import { line } from './human.ts'
import { isMeasured, latencyText, lossText } from './watch-probe.ts'

export interface Column {
  readonly title: string
  readonly width: number
  /** Those with the highest go first. */
  readonly rank: number
  readonly left?: true
  /** Only where it is so. */
  readonly when?: (rows: readonly Row[]) => boolean
  readonly cell: (row: Row, nowMs: number) => string
}

const BAR = 8
const TREND = 8

export const COLUMNS: readonly Column[] = [
  { title: 'usage', width: BAR, rank: 6, left: true, cell: ({ usage }) => (usage === null ? '' : bar(usage)) },
  { title: '%', width: 4, rank: 0, cell: percentOf },
  {
    title: 'count / max',
    width: 21,
    rank: 11,
    cell: ({ count, max }) => (count === null ? '' : `${n(count)} / ${n(max)}`),
  },
  { title: 'rate/s', width: 6, rank: 4, cell: ({ rate }) => (rate === null ? '' : signed(rate)) },
  { title: 'full in', width: 7, rank: 5, cell: ({ secondsToFull }) => untilFull(secondsToFull) },
  { title: 'drops/s', width: 7, rank: 1, cell: ({ dropsRate }) => perSecond(dropsRate) },
  { title: 'early/s', width: 7, rank: 9, cell: ({ earlyDropsRate }) => perSecond(earlyDropsRate) },
  { title: 'loss', width: 7, rank: 2, when: isMeasured, cell: lossText },
  { title: 'ms mid/max', width: 10, rank: 7, when: isMeasured, cell: latencyText },
  { title: 'trend', width: TREND, rank: 8, left: true, cell: ({ trend }) => sparkline(trend, TREND) },
  { title: 'lines', width: 5, rank: 10, cell: ({ lines }) => (lines === null ? '' : short(lines)) },
  { title: 'seen', width: 8, rank: 3, left: true, cell: seen },
]

const n = (value: number | null): string => (value === null ? '?' : formatCount(value))

function percentOf({ usage, family, link, max }: Row): string {
  if (usage !== null) return String(Math.min(999, Math.floor(usage * 100)))
  if (family === undefined) return link === 'connecting' ? '…' : '?'
  return family === null ? 'none' : max === 0 ? 'inf' : '?'
}

/** Never full before it is full. */
function bar(usage: number): string {
  const full = Math.max(0, Math.min(BAR, Math.floor(usage * BAR)))
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`
}

/** At most five letters. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size < 10_000) return String(Math.round(value))
  if (size < 1_000_000) return `${Math.round(value / 1000)}k`
  return size < 1_000_000_000 ? `${Math.round(value / 1_000_000)}M` : `${Math.round(value / 1_000_000_000)}G`
}

function signed(rate: number): string {
  const text = Math.abs(rate) < 10 ? rate.toFixed(1) : short(rate)
  if (text === '0.0' || text === '-0.0') return '0'
  return rate > 0 ? `+${text}` : text
}

/** Less than one in a second is more than none. */
function perSecond(rate: number | null): string {
  if (rate === null) return ''
  return rate > 0 && rate < 10 ? rate.toFixed(1) : short(rate)
}

function untilFull(seconds: number | null): string {
  if (seconds === null) return ''
  if (seconds === 0) return 'full'
  if (seconds > 86_400) return '>1d'
  const step = seconds < 600 ? 1 : seconds < 36_000 ? 60 : 3600
  return formatDuration(Math.max(1, Math.floor(seconds / step) * step))
}

/** Longer than this ago is worth a word. */
const FRESH_MS = 5_000

/** How old the numbers are, and whether anybody still answers. */
function seen(row: Row, nowMs: number): string {
  const { link, atMs } = row
  const ago = atMs === null ? '' : age(nowMs - atMs)
  if (link === 'live') return atMs !== null && nowMs - atMs < FRESH_MS ? 'now' : ago
  if (link === 'connecting') return ago === '' ? '' : `… ${ago}`
  if (!isLost(row)) return link
  // `unreachable` is a letter too long for what it says.
  return ago === '' ? (link === 'unreachable' ? 'silent' : link) : `lost ${ago}`
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  return seconds < 3600
    ? `${Math.floor(seconds / 60)}m`
    : seconds < 86_400
      ? `${Math.floor(seconds / 3600)}h`
      : `${Math.floor(seconds / 86_400)}d`
}

const BLOCKS = '▁▂▃▄▅▆▇█'

/** The last values as blocks, between the least and the greatest of them; what hardly moves is flat, in the middle: it is no nothing. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  if (shown.length === 0) return ''
  const least = Math.min(...shown)
  const most = Math.max(...shown)
  const span = Math.max(most - least, most * 0.02, 1)
  const middle = (least + most) / 2
  const height = (value: number): number => Math.ceil((0.5 + (value - middle) / span) * 8) - 1
  return shown.map(value => BLOCKS[Math.max(0, Math.min(7, height(value)))]).join('')
}

/** The name as it may stand in a row. */
export const nameOf = ({ host }: Row): string => line(host)
