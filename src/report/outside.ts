/** What was lost on the way to the hosts, as --probe measured it before, during and after the change. */
import { formatCount } from '../lang/numbers.ts'
import type { Figures, Probed } from '../run/outside/probed.ts'
import { line } from '../view/human.ts'
import { pairBars } from './bars.ts'
import { type Html, html } from './html.ts'
import { ABSENT } from './numbers.ts'
import type { Sheet } from './sheet.ts'

/** So many rows stand open; more of them fold. */
const OPEN_ROWS = 20

interface Row {
  readonly host: string
  readonly probed: Probed
}

/** Where most is lost now comes first, then where most was; nothing where nobody asked for it. */
export function outsideOf({ hosts }: Sheet): Html | null {
  const rows = hosts
    .flatMap(({ name, probes }) => probes.map((probed): Row => ({ host: name, probed })))
    .toSorted(
      (a, b) => lossOf(b.probed.after) - lossOf(a.probed.after) || lossOf(b.probed.before) - lossOf(a.probed.before),
    )
  if (rows.length === 0) return null
  const more = rows.slice(OPEN_ROWS)
  return html`<section id="outside" aria-labelledby="h-outside">
<h2 id="h-outside">Measured from outside</h2>
<p class="note">From the controller, each try a connection or a ping of its own. Lost: no answer within 3 s; late: it came when the first packet was sent again. Bars: the share that was lost, hollow before and solid after.</p>
${tableOf(rows.slice(0, OPEN_ROWS), 'Where most is lost')}
${
  more.length > 0 &&
  html`<details class="more"><summary>${formatCount(more.length)} more</summary>
${tableOf(more, 'The others')}
</details>`
}
</section>`
}

/** 0 to 1; not measured is none. */
function lossOf(figures: Figures | null): number {
  return figures === null || figures.sent === 0 ? 0 : figures.lost / figures.sent
}

function tableOf(rows: readonly Row[], caption: string): Html {
  const body = rows.map(
    ({ host, probed: { target, before, during, after, why } }) =>
      html`<tr><th scope="row">${host} ${target}</th>${[before, during, after].map(part => html`<td>${wordsOf(part)}</td>`)}<td>${pairBars(before && lossOf(before), after && lossOf(after))}${why !== null && html`<small>${line(why)}</small>`}</td></tr>\n`,
  )
  return html`<table class="outside"><caption>${caption}</caption>
<thead><tr><th scope="col">Host and target</th><th scope="col">before</th><th scope="col">during</th><th scope="col">after</th><th scope="col"><span class="hidden">lost before and after as bars</span></th></tr></thead>
<tbody>
${body}</tbody></table>`
}

function wordsOf(figures: Figures | null): string {
  if (figures === null || figures.sent === 0) return ABSENT
  const { sent, lost, slow, refused, p95 } = figures
  return [
    `${formatCount(lost)} of ${formatCount(sent)} lost`,
    ...(slow > 0 ? [`${formatCount(slow)} late`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused`] : []),
    ...(p95 === null ? [] : [`p95 ${p95} ms`]),
  ].join(', ')
}
