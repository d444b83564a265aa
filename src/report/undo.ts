/** What there is to take back, and how: with ctfix, and on a host without it. */

import type { Change } from '../change/change.ts'
import { invert } from '../change/change.ts'
import { describe } from '../change/kinds.ts'
import { plain } from '../lang/text.ts'
import { ofLayer } from '../plan/plan.ts'
import type { HostState } from '../run/run-summary.ts'
import { hostsBack } from '../run/taken-back.ts'
import { runDirectory } from '../run/tools.ts'
import { hostRange } from '../view/hostrange.ts'
import { hostCount } from '../view/human.ts'
import { sinceLines } from '../view/since.ts'
import { rangeLine } from './folds.ts'
import { type Html, html } from './html.ts'
import { toneOf } from './marks.ts'
import type { Sheet } from './sheet.ts'

export function undoOf(sheet: Sheet): Html {
  return html`<section id="undo" aria-labelledby="h-undo">
<h2 id="h-undo">What to undo, and how</h2>
${wayOf(sheet)}
</section>`
}

function wayOf(sheet: Sheet): Html {
  const { account, hosts } = sheet
  const { run, command, of } = account
  const back = hostsBack(account.takenBack)
  const there = hosts.filter(({ name }) => !back.has(name))
  const changed = there.filter(({ state }) => state === 'changed').map(({ name }) => name)
  const doubtful = there.filter(({ state }) => toneOf(state) === 'bad').map(({ name }) => name)
  const since = sinceLines({ takenBack: account.takenBack }).map(([what, when]) => html`<p>It was ${what} ${when}.</p>`)
  if (changed.length + doubtful.length === 0) {
    return html`${since}<p>Nothing: no host ${since.length > 0 ? 'is' : 'was'} left changed by this run.</p>`
  }
  const left = html`${since}${
    changed.length > 0 &&
    html`<p>${hostCount(changed.length)} ${since.length > 0 && 'still '}changed: <code class="range">${hostRange(changed)}</code></p>`
  }${
    doubtful.length > 0 &&
    html`<p class="error">${hostCount(doubtful.length)} of which nobody knows, so ask them first: <code class="range">${hostRange(doubtful)}</code></p>`
  }`
  if (command !== 'apply') {
    return html`${left}<p>This run itself is a way back, of run <code>${of ?? '?'}</code>. What that one did can be applied anew.</p>${byHand(run)}`
  }
  return html`${left}
<p>With ctfix, from any machine that reaches the hosts; what somebody set since is shown and stays:</p>
<pre class="commands" tabindex="0"># look first: shows what would go back, changes nothing
ctfix rollback -i INVENTORY ${run} --dry-run
# shows it, asks, goes back under the same guard, proves it
ctfix rollback -i INVENTORY ${run}
# one host only
ctfix rollback -i INVENTORY --limit HOST ${run}</pre>
${byHand(run)}
${backLists(sheet)}`
}

function byHand(run: string): Html {
  const directory = runDirectory(run)
  return html`<p>On a host itself, as root, without ctfix and without a network; its files are in <code>${directory}</code>:</p>
<pre class="commands" tabindex="0"># what is the case there
sh ${directory}/guard.sh status ${directory}
# take it back now
sh ${directory}/guard.sh revert ${directory}</pre>`
}

/** A long list of different plans is no overview: the diffs say the rest. */
const MOST = 12

function backLists({ plans, account }: Sheet): Html | null {
  const back = hostsBack(account.takenBack)
  const left = plans.flatMap(({ fold, states }) => {
    const [first, ...others] = fold.outcomes.filter(({ host }, i) => isLeft(states[i]) && !back.has(host))
    return first?.plan && first.plan.changes.length > 0
      ? [{ changes: first.plan.changes, outcomes: [first, ...others] as const }]
      : []
  })
  if (left.length === 0) return null
  const lists = left.slice(0, MOST).map(
    ({
      outcomes,
      changes,
    }) => html`<details class="card"><summary>What goes back on ${rangeLine({ outcomes })}</summary>
<ul class="back">
${backLines(changes).map(text => html`<li>${text}</li>\n`)}</ul></details>
`,
  )
  return html`${lists}${left.length > MOST && html`<p class="note">And ${left.length - MOST} others, each as its diff says, backwards.</p>`}`
}

/** Something of the run is, or may be, on the host. */
function isLeft(state: HostState | undefined): boolean {
  return state === 'changed' || (state !== undefined && toneOf(state) === 'bad')
}

/** In the order in which a rollback does it. */
function backLines(changes: readonly Change[]): string[] {
  const final = ofLayer(changes, 'final').map(({ target }) => `does not come back: ${plain(target)}`)
  const back = changes.filter(({ layer }) => layer !== 'final').toReversed()
  return [...back.map(backLine), ...final]
}

function backLine(change: Change): string {
  if (change.kind !== 'file') return plain(describe(invert(change)).split('\n')[0] ?? '')
  const what = change.before === null ? 'is removed' : change.after === null ? 'comes back' : 'gets its former content'
  return plain(`${change.target} ${what}`)
}
