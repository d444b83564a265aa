/** Every host in a row: before and after. */
import { formatCount } from '../lang/numbers.ts'
import type { HostAccount } from '../run/account.ts'
import { amountBars, usageBars } from './bars.ts'
import { type Html, html } from './html.ts'
import { isProblem, marked, toneOf } from './marks.ts'
import { ABSENT, countText, fillText, lostInWindow, lostOf, lostParts, usageOf, usageText } from './numbers.ts'
import type { Sheet } from './sheet.ts'
import { statesTable } from './states.ts'

/** So many rows stand open; more of them fold. */
const OPEN_ROWS = 20
/** Of more hosts fewer states are shown of each: the page must stay small enough for a mail. */
const MANY = 100

/** Problems first, then the tables that were fullest. */
export function hostsOf(sheet: Sheet): Html {
  const rest = sheet.hosts.filter(({ state }) => !isProblem(state))
  const sorted = [
    ...sheet.hosts.filter(({ state }) => isProblem(state)),
    ...rest.toSorted((a, b) => (usageOf(b.before) ?? -1) - (usageOf(a.before) ?? -1)),
  ]
  const more = sorted.slice(OPEN_ROWS)
  return html`<section id="hosts" aria-labelledby="h-hosts">
<h2 id="h-hosts">Hosts, before and after</h2>
<p class="key">${usageBars(0.9, 0.4)} hollow: how full the table was before; solid: at the last look; the line: 80 %, where it is too full. Of drops hollow: since boot; solid: while it was watched; both as shares of the most that any host lost. “${ABSENT}” is not recorded.</p>
${tableOf(sheet, sorted.slice(0, OPEN_ROWS), more.length > 0 ? 'What needs a look, and the fullest tables' : 'All hosts')}
${
  more.length > 0 &&
  html`<details class="more"><summary>${formatCount(more.length)} more hosts</summary>
${tableOf(sheet, more, 'The other hosts')}
</details>`
}
</section>`
}

function tableOf(sheet: Sheet, hosts: readonly HostAccount[], caption: string): Html {
  const mostLost = sheet.hosts.reduce((most, host) => Math.max(most, ...lossesOf(host)), 0)
  return html`<table class="hosts"><caption>${caption}</caption>
<thead><tr><th scope="col">Host</th><th scope="col">Result</th><th scope="col">Table</th><th scope="col">Entries / max</th><th scope="col">Buckets</th><th scope="col">Drops</th><th scope="col">Log lines</th></tr></thead>
<tbody>
${hosts.map(host => rowOf(sheet, host, mostLost))}</tbody></table>`
}

function rowOf({ account, resultAt, planAt }: Sheet, host: HostAccount, mostLost: number): Html {
  const { name, state, before, after } = host
  const pair = (was: string, is: string): Html =>
    state === 'ok' || was === ABSENT || is === ABSENT || was === is
      ? html`${is === ABSENT ? was : is}`
      : html`${was} <b>→ ${is}</b>`
  const links = [
    resultAt.has(name) &&
      html`<a href="#${resultAt.get(name) ?? ''}">${toneOf(state) === 'good' ? 'checks' : 'why'}</a>`,
    planAt.has(name) && html`<a href="#${planAt.get(name) ?? ''}">diff</a>`,
  ]
  const usage = html`${usageBars(usageOf(before), usageOf(after))}${pair(usageText(before), usageText(after))}`
  const cells: readonly (readonly [label: string, cell: Html | null])[] = [
    ['Result', html`${marked(state)}<small>${links}</small>`],
    ['Table', before || after ? html`${usage}${isUndone(host) && html`<small>while it was changed</small>`}` : null],
    ['Entries / max', pair(fillText(before), fillText(after))],
    ['Buckets', pair(countText(before?.buckets), countText(after?.buckets))],
    ['Drops', html`${lossBars(host, mostLost)}${dropsOf(host)}`],
    ['Log lines', logLinesOf(host)],
  ]
  return html`<tr><th scope="row">${name}</th>${cells.map(([label, cell]) => html`<td data-l="${label}">${cell ?? ABSENT}</td>`)}</tr>
${statesRow(host, account.hosts.length > MANY ? 3 : 5)}`
}

/** Its last look was at a change that did not stay. */
function isUndone({ state, after }: HostAccount): boolean {
  return after !== null && (state === 'rolled-back' || state === 'rollback-failed' || state === 'unknown')
}

/** Since boot, and while it was watched. */
function lossesOf({ before, after }: HostAccount): readonly [since: number, rise: number] {
  return [lostOf(before) ?? lostOf(after) ?? 0, lostInWindow(after) ?? 0]
}

/** Where nothing was ever lost there is nothing to draw. */
function lossBars(host: HostAccount, most: number): Html | null {
  const [since, rise] = lossesOf(host)
  if (since + rise === 0) return null
  return amountBars(since, lostInWindow(host.after), most)
}

/** What is since boot says how bad it was; what rose while it was watched, how it is. */
function dropsOf({ before, after }: HostAccount): Html {
  const total = lostOf(before) ?? lostOf(after)
  const since = total === null ? ABSENT : `${formatCount(total)} since boot`
  return watchedCell(since, lostInWindow(after), after?.window?.seconds, lostParts(after?.window?.lost))
}

function logLinesOf({ before, after }: HostAccount): Html {
  const lines = before?.lines ?? after?.lines ?? null
  return watchedCell(countText(lines), after?.window?.lines ?? null, after?.window?.seconds, '')
}

function watchedCell(before: string, rise: number | null, seconds: number | undefined, parts: string): Html {
  if (rise === null || seconds === undefined) return html`${before}`
  const told = `→ +${formatCount(rise)} in ${seconds.toFixed(1)} s`
  return html`${before} <b${parts !== '' && html` class="warn"`}>${told}</b>${parts !== '' && html`<small> ${parts}</small>`}`
}

function statesRow({ before, after, name }: HostAccount, shown: number): Html | null {
  const [was, is] = [before?.states ?? null, after?.states ?? null]
  if (was === null && is === null) return null
  if (Object.keys({ ...was, ...is }).length === 0) return null
  return html`<tr class="states"><td colspan="7"><details><summary>Entries by state</summary>${statesTable(`Entries of ${name} by state`, was, is, shown)}</details></td></tr>
`
}
