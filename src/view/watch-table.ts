/** Rows as a table that fits: columns by their rank, the rest of the width for names. */
import { losses, type Row } from '../watch/row.ts'
import { line } from './human.ts'
import type { Paint } from './paint.ts'
import { COLUMNS, type Column, nameOf } from './watch-cells.ts'
import { cutTo, displayWidth, padTo } from './width.ts'

export interface Look {
  readonly paint: Paint
  /** False: letters beyond ASCII would come out as question marks. */
  readonly unicode: boolean
}

/** Which columns there is room for, and how wide names may be. */
export interface Layout {
  readonly columns: readonly Column[]
  readonly name: number
  readonly width: number
  /** Ends all names alike and says nothing: left out where room is short. */
  readonly suffix: string
}

const GAP = ' '
const LEAST_NAME = 12
const MOST_NAME = 40

/** Fits the columns into `width`. */
export function layoutFor(rows: readonly Row[], width: number): Layout {
  const suffix = Number.isFinite(width) ? commonDomain(rows) : ''
  const longest = rows.reduce((most, row) => Math.max(most, displayWidth(shown(row, suffix))), 4)
  const wanted = Math.min(longest, MOST_NAME)
  let columns = COLUMNS.filter(({ when }) => when?.(rows) ?? true)
  const room = (): number => width - columns.reduce((sum, column) => sum + GAP.length + column.width, 0)
  while (columns.length > 0 && room() < Math.min(wanted, LEAST_NAME)) {
    const worst = columns.reduce((most, { rank }) => Math.max(most, rank), 0)
    columns = columns.filter(({ rank }) => rank !== worst)
  }
  return { columns, name: Math.max(1, Math.min(wanted, room())), width, suffix }
}

function shown(row: Row, suffix: string): string {
  return nameOf(row).slice(0, suffix === '' ? undefined : -suffix.length)
}

/** `.example.net` where every name ends so. */
function commonDomain(rows: readonly Row[]): string {
  const [first = '', ...others] = rows.map(nameOf)
  for (let at = first.indexOf('.', 1); at > 0; at = first.indexOf('.', at + 1)) {
    const domain = first.slice(at)
    // Addresses have dots, too, and their numbers are all there is of them.
    if (/\.\d+$/.test(domain)) return ''
    if (others.length > 0 && others.every(name => name.length > domain.length && name.endsWith(domain))) return domain
  }
  return ''
}

/** The titles of the columns. */
export function headerText({ columns, name }: Layout): string {
  return join([padTo(cutTo('host', name), name), ...columns.map(column => aligned(column.title, column))])
}

/** One host. Colour says nothing that the text does not. */
export function rowText(row: Row, { columns, name, width, suffix }: Layout, { nowMs, look }: Showing): string {
  const numbers = columns.map(column => aligned(cutTo(column.cell(row, nowMs), column.width), column))
  // Where there is nothing to show, the reason is shown.
  const cells = row.error === null || row.family !== undefined ? numbers : [line(row.error)]
  const text = cutTo(join([padTo(cutTo(shown(row, suffix), name), name), ...cells]), width)
  return colourOf(row, look.paint)(look.unicode ? text : toAscii(text))
}

export interface Showing {
  readonly nowMs: number
  readonly look: Look
}

function join(cells: readonly string[]): string {
  return cells.join(GAP).trimEnd()
}

function aligned(text: string, { width, left }: Column): string {
  return left ? padTo(text, width) : ' '.repeat(Math.max(0, width - displayWidth(text))) + text
}

const NEARLY = 0.8

function colourOf(row: Row, paint: Paint): (text: string) => string {
  if (row.link !== 'live') return paint.dim
  if (losses(row) > 0 || (row.usage ?? 0) >= 1) return paint.red
  return (row.usage ?? 0) >= NEARLY ? paint.yellow : text => text
}

const ASCII: Readonly<Record<string, string>> = {
  ...{ '█': '#', '░': '-', '…': '~', '—': '-', '·': '|', '↑': '^', '↓': 'v' },
  ...{ '▁': '_', '▂': '.', '▃': ':', '▄': '-', '▅': '=', '▆': '+', '▇': '*' },
}

/** For terminals that know no other letters. */
export function toAscii(text: string): string {
  return text.replace(/[█░…—·↑↓▁▂▃▄▅▆▇]/g, mark => ASCII[mark] ?? mark)
}

/** The whole table: for who reads it from a file, or asked once. */
export function tableText(rows: readonly Row[], { nowMs, look }: Showing): string {
  const layout = layoutFor(rows, Number.POSITIVE_INFINITY)
  const lines = [look.paint.bold(headerText(layout)), ...rows.map(row => rowText(row, layout, { nowMs, look }))]
  return `${lines.join('\n')}\n`
}
