/** How many hosts ended how, the worst first. */
import { formatCount } from '../lang/numbers.ts'
import type { Account } from '../run/account.ts'
import { countStates } from '../run/run-summary.ts'
import { type Html, html } from './html.ts'
import { marked, meaningOf, toneOf, WORST_FIRST } from './marks.ts'

export function recapOf({ hosts }: Account): Html {
  const counts = countStates(hosts)
  const tiles = WORST_FIRST.flatMap(state => {
    const n = counts.get(state)
    if (n === undefined) return []
    return html`<li class="${toneOf(state)}"><b>${formatCount(n)}</b> ${marked(state)} <small>${meaningOf(state)}</small></li>\n`
  })
  return html`<section id="recap" aria-labelledby="h-recap">
<h2 id="h-recap">Recap</h2>
<ul class="tiles">
${tiles}</ul>
</section>`
}
