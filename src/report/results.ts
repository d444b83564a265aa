/** Problems, and the checks of all others: hosts of which the same is to be told, told once. */
import { stoppedIn } from '../run/account.ts'
import type { Blocker } from '../strategy/strategy.ts'
import type { Fold } from '../view/fold.ts'
import { hostRange } from '../view/hostrange.ts'
import { line } from '../view/human.ts'
import { checkCounts, checkList, errorLines, rangeLine } from './folds.ts'
import { type Html, html } from './html.ts'
import { isProblem, marked, meaningOf } from './marks.ts'
import type { Placed, Sheet } from './sheet.ts'

/** What somebody has to look into, the worst first; nothing where there is no such thing. */
export function problemsOf({ results, account }: Sheet): Html | null {
  const problems = results.filter(({ state }) => isProblem(state))
  const stopped = stoppedIn(account)
  if (problems.length === 0 && stopped === undefined) return null
  return html`<section id="problems" aria-labelledby="h-problems">
<h2 id="h-problems">What needs a look</h2>
${stopped !== undefined && html`<p class="error">The run stopped: ${stopped.reason}</p>`}
${problems.map(problem)}</section>`
}

function problem({ id, fold, state }: Placed): Html {
  const checks = checkList(fold)
  return html`<article id="${id}" class="card">
<h3>${marked(state)} ${rangeLine(fold)} <span class="count">— ${meaningOf(state)}</span></h3>
${errorLines(fold, 'error')}${blockersOf(fold)}${
  checks &&
  html`<details><summary>Checks: ${checkCounts(fold)}</summary>
${checks}</details>`
}
</article>
`
}

/** Why hosts were declined; those that were for the same reason together. */
function blockersOf({ outcomes }: Fold): Html | null {
  const reasons = new Map<string, Blocker & { readonly hosts: string[] }>()
  for (const { host, plan } of outcomes) {
    for (const blocker of plan?.blockers ?? []) {
      const key = JSON.stringify([blocker.code, blocker.message])
      const reason = reasons.get(key)
      if (reason) reason.hosts.push(host)
      else reasons.set(key, { ...blocker, hosts: [host] })
    }
  }
  if (reasons.size === 0) return null
  const items = [...reasons.values()].map(
    ({ code, message, hosts }) =>
      html`<li><b>${code}</b> ${line(message)}${reasons.size > 1 && html` <code class="range">${hostRange(hosts)}</code>`}</li>\n`,
  )
  return html`<ul class="notes">
${items}</ul>`
}

/** The proof: each check with what it saw, once for all hosts that saw the same. */
export function checksOf({ results }: Sheet): Html | null {
  // What is proved comes first here, and last who was not attempted.
  const others = results.filter(({ state }) => !isProblem(state)).toReversed()
  if (others.length === 0) return null
  // With many of them somebody looks for one, by its link.
  const open = others.length <= 3
  return html`<section id="checks" aria-labelledby="h-checks">
<h2 id="h-checks">Checks, and what they saw</h2>
${others.map(
  ({ id, fold, state }) => html`<details id="${id}" class="card"${open && html` open=""`}>
<summary>${marked(state)} ${rangeLine(fold)} <span class="count">${fold.outcomes[0].checks.length > 0 && html`— ${checkCounts(fold)}`}</span></summary>
${errorLines(fold, 'note')}${checkList(fold)}</details>
`,
)}</section>`
}
