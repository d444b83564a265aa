/** The diffs, once for all hosts on which they are the same. */
import { type Fold, together } from '../view/fold.ts'
import { line } from '../view/human.ts'
import { amount, foldedDiff } from '../view/plans.ts'
import { rangeLine } from './folds.ts'
import { type Html, html } from './html.ts'
import { markedAll } from './marks.ts'
import type { Placed, Sheet } from './sheet.ts'

/** Up to so many different diffs are shown unfolded. */
const OPEN = 3

export function changesOf({ plans }: Sheet): Html | null {
  if (plans.length === 0) return null
  return html`<section id="changes" aria-labelledby="h-changes">
<h2 id="h-changes">What changes</h2>
${plans.map(placed => oneOf(placed, plans.length <= OPEN))}</section>`
}

function oneOf({ id, fold, states }: Placed, open: boolean): Html {
  const [{ plan }] = fold.outcomes
  const { changes = [], blockers = [] } = plan ?? {}
  const verdict = changes.length > 0 ? amount(changes) : blockers.length > 0 ? 'declined' : 'nothing to do'
  const diff = foldedDiff(fold)
  return html`<details id="${id}" class="card"${open && html` open=""`}>
<summary>${markedAll(states)} ${rangeLine(fold)} <span class="count">— ${verdict}</span></summary>
${diff.length > 0 && html`<pre class="diff" tabindex="0" aria-label="diff">${diffText(diff)}</pre>`}
${notesOf(fold)}</details>
`
}

/** The sign in front says it, too; the colour only helps. Neighbours of one kind share an element. */
function diffText(lines: readonly string[]): Html[] {
  const runs: { readonly kind: Kind; text: string }[] = []
  for (const text of lines) {
    const kind = kindOf(text)
    const last = runs.at(-1)
    if (last?.kind === kind) last.text += `${text}\n`
    else runs.push({ kind, text: `${text}\n` })
  }
  return runs.map(({ kind, text }) => AS[kind](text))
}

type Kind = 'file' | 'plus' | 'minus' | 'why' | 'other'

function kindOf(text: string): Kind {
  if (/^(?:---|\+\+\+) /.test(text)) return 'file'
  if (text.startsWith('+')) return 'plus'
  if (text.startsWith('-')) return 'minus'
  return text.startsWith('    ') ? 'why' : 'other'
}

const AS: Readonly<Record<Kind, (text: string) => Html>> = {
  file: text => html`<b>${text}</b>`,
  plus: text => html`<ins>${text}</ins>`,
  minus: text => html`<del>${text}</del>`,
  why: text => html`<i>${text}</i>`,
  other: text => html`${text}`,
}

function notesOf(fold: Fold): Html | null {
  const [{ plan }] = fold.outcomes
  if (plan === null) return null
  const texts = (list: 'notes' | 'warnings' | 'forced' | 'blockers'): string[] =>
    (plan[list] ?? []).map((_, i) =>
      together(fold, outcome => {
        const note = outcome.plan?.[list]?.[i]
        return (typeof note === 'string' ? note : note?.message) ?? ''
      }),
    )
  const notes = [
    ...texts('notes').map(text => ['– note', text] as const),
    ...texts('warnings').map(text => ['! warning', text] as const),
    ...texts('forced').map((text, i) => [`! forced past ${plan.forced[i]?.code}`, text] as const),
    ...texts('blockers').map((text, i) => [`■ blocked: ${plan.blockers[i]?.code}`, text] as const),
  ]
  if (notes.length === 0) return null
  return html`<ul class="notes">
${notes.map(([what, text]) => html`<li><b>${what}</b> ${line(text)}</li>\n`)}</ul>
`
}
