/** Small charts in SVG. Before is hollow and above, after is solid and below; the numbers stand beside them as text. */
import { PRESSURE } from '../strategy/sizing.ts'
import { type Html, html } from './html.ts'

/** A share of the whole width, as a number of per cent that takes few letters. */
function wide(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10
}

/** How full a table was and is, with a line where it is too full; null: not known. */
export function usageBars(before: number | null, after: number | null): Html {
  const limit = `${PRESSURE * 100}%`
  return html`<svg class="bars" aria-hidden="true">${rects(before, after)}<line class="limit" x1="${limit}" x2="${limit}" y2="15"/></svg>`
}

/** Two amounts of one thing, as shares of the most. */
export function pairBars(before: number | null, after: number | null): Html {
  return html`<svg class="bars" aria-hidden="true">${rects(before, after)}</svg>`
}

/** The same of one thing that is counted, of which a little is seen all the same. */
export function amountBars(before: number | null, after: number | null, most: number): Html {
  const share = (value: number | null): number | null => value && Math.max(LEAST_SEEN, value / most)
  return pairBars(share(before), share(after))
}

const LEAST_SEEN = 0.02

/** Their heights and places are the style's: five hundred hosts have thousands of them. */
function rects(before: number | null, after: number | null): Html[] {
  return [
    ...(before === null ? [] : [html`<rect class="b" width="${wide(before)}%"/>`]),
    ...(after === null ? [] : [html`<rect class="a" width="${wide(after)}%"/>`]),
  ]
}

/** A stretch of time in a longer one. */
export function stretchBar(from: number, to: number): Html {
  // What took no time is seen all the same.
  const width = Math.max(0.6, wide(to) - wide(from))
  return html`<svg class="stretch" aria-hidden="true"><rect class="a" x="${Math.min(wide(from), 99.4)}%" width="${width}%"/></svg>`
}

export interface Pair {
  readonly label: string
  readonly before: number | null
  readonly after: number | null
  /** What stands for them: `1,360`. */
  readonly told: readonly [before: string, after: string]
}

/** Rows of a thing's amounts before and after, each with its bars; the longest bar is the most there is. */
export function pairTable(caption: string, what: string, pairs: readonly Pair[]): Html {
  const most = Math.max(1, ...pairs.flatMap(({ before, after }) => [before ?? 0, after ?? 0]))
  const share = (value: number | null): number | null => value && value / most
  const body = pairs.map(
    ({ label, before, after, told }) =>
      html`<tr><th scope="row">${label}</th><td>${told[0]}</td><td>${told[1]}</td><td>${pairBars(share(before), share(after))}</td></tr>
`,
  )
  return html`<table class="pairs"><caption>${caption}</caption>
<thead><tr><th scope="col">${what}</th><th scope="col">before</th><th scope="col">after</th><th scope="col"><span class="hidden">before and after as bars</span></th></tr></thead>
<tbody>
${body}</tbody></table>`
}
