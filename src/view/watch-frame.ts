/** The whole screen of a watch: as many rows as the terminal has, none wider. */

import { formatDuration } from '../lang/duration.ts'
import { formatCount } from '../lang/numbers.ts'
import { plain } from '../lang/text.ts'
import { ordered, type Row, type Sum, sumOf } from '../watch/row.ts'
import { hostCount } from './human.ts'
import { short } from './watch-cells.ts'
import type { Display } from './watch-keys.ts'
import { headerText, layoutFor, rowText, type Showing, toAscii } from './watch-table.ts'
import { cutTo } from './width.ts'

export interface Screenful extends Showing {
  readonly display: Display
  readonly size: { readonly columns: number; readonly rows: number }
  readonly intervalSeconds: number
  /** What a person should know besides: metrics that cannot be written. */
  readonly note: string | null
}

const HELP = [
  's        sort by pressure, rate, drops, loss, name',
  '/        show only hosts with this in their name; Enter keeps it, Esc clears it',
  '↑ ↓      scroll; Space and the page keys by a screen, Home and End all the way',
  '?        this help',
  'q        quit',
  '',
  'rate/s   entries more or fewer, of the last ten seconds; full in: at that rate',
  'drops/s  packets dropped; early/s: live entries thrown out to make room',
  'lines    table-full lines in the kernel log since the watch began',
  'trend    entries of late, from the fewest to the most; flat: hardly a change',
  'loss     with --probe: tries from here without an answer; ms: of the others',
  'seen     how old the numbers are; hosts that are lost are tried again',
]

/** Rows that match the filter, in order. */
export function selected(rows: readonly Row[], { filter, sort }: Display): readonly Row[] {
  const wanted = filter.toLowerCase()
  return ordered(wanted === '' ? rows : rows.filter(({ host }) => host.toLowerCase().includes(wanted)), sort)
}

/** How many hosts fit; a row is kept for those that do not. */
export function fitting(hosts: number, { rows }: Screenful['size']): number {
  const room = Math.max(1, rows - extraRows(rows))
  return hosts <= room ? room : Math.max(1, room - 1)
}

/** Head, titles, keys: the less room there is, the fewer of them. */
function extraRows(rows: number): number {
  return rows >= 8 ? 3 : rows >= 5 ? 2 : rows >= 3 ? 1 : 0
}

/** Draws it. */
export function screenful(rows: readonly Row[], screen: Screenful): string[] {
  const { display, size, look } = screen
  // The last column stays empty: a terminal that is full to the brim goes to the next line.
  const width = Math.max(1, size.columns - 1)
  const chosen = selected(rows, display)
  const fit = fitting(chosen.length, size)
  const from = Math.max(0, Math.min(display.scrolled, chosen.length - fit))
  const shown = chosen.slice(from, from + fit)
  const layout = layoutFor(rows, width)
  const extra = extraRows(size.rows)
  const cut = (text: string): string => (look.unicode ? cutTo(text, width) : toAscii(cutTo(text, width)))
  const body = display.help ? HELP.slice(0, fit).map(cut) : shown.map(row => rowText(row, layout, screen))
  const others = [...chosen.slice(0, from), ...chosen.slice(from + fit)]
  const more = others.length === 0 || display.help ? [] : [look.paint.dim(cut(moreText(others, from)))]
  return [
    ...(extra >= 1 ? [look.paint.bold(cut(headText(rows, chosen.length, screen)))] : []),
    ...(extra >= 2 ? [look.paint.dim(cut(headerText(layout)))] : []),
    ...body,
    ...(fit >= 2 || others.length === 0 ? more : []),
    ...(extra >= 3 ? [look.paint.dim(cut(footText(screen)))] : []),
  ]
}

function headText(rows: readonly Row[], chosen: number, { intervalSeconds, note }: Screenful): string {
  const all = sumOf(rows)
  const live = rows.filter(({ link }) => link === 'live').length
  const parts = [
    chosen === rows.length ? hostCount(rows.length) : `${formatCount(chosen)} of ${hostCount(rows.length)}`,
    `${formatCount(live)} live`,
    ...(all.lost > 0 ? [`${formatCount(all.lost)} lost`] : []),
    ...sumParts(all),
    ...fromHere(all),
    `every ${formatDuration(intervalSeconds)}`,
  ]
  return `${note === null ? '' : `${plain(note)} · `}${parts.join(' · ')}`
}

function sumParts({ losing, drops, earlyDrops }: Sum): string[] {
  if (losing === 0) return []
  return [`${formatCount(losing)} losing`, `${short(drops)} drops/s`, `${short(earlyDrops)} early/s`]
}

function fromHere({ unanswered }: Sum): string[] {
  return unanswered > 0 ? [`${formatCount(unanswered)} with loss`] : []
}

function moreText(others: readonly Row[], above: number): string {
  const sum = sumOf(others)
  const parts = [
    `${formatCount(others.length)} more${above > 0 ? ` (${formatCount(above)} above)` : ''}`,
    ...(sum.usage === null ? [] : [`fullest ${Math.floor(sum.usage * 100)} %`]),
    ...(sum.lost > 0 ? [`${formatCount(sum.lost)} lost`] : []),
    ...(sum.losing > 0 ? sumParts(sum) : ['no drops']),
    ...fromHere(sum),
  ]
  return `… ${parts.join(' · ')}`
}

function footText({ display: { typing, filter, sort } }: Screenful): string {
  if (typing) return `/${plain(filter)}_`
  const kept = filter === '' ? '' : `  /${plain(filter)}`
  return `q quit  s sort: ${sort}  / filter  ↑↓ scroll  ? help${kept}`
}
