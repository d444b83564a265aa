/** Pieces that several sections show of hosts alike. */
import { formatCount } from '../lang/numbers.ts'
import type { Fold } from '../view/fold.ts'
import { hostRange } from '../view/hostrange.ts'
import { foldedChecks, foldedError, hostCount, line } from '../view/human.ts'
import { type Html, html } from './html.ts'
import { checkMark } from './marks.ts'

/** `web-[001-212,214]` */
export function rangeOf({ outcomes }: Fold): string {
  return hostRange(outcomes.map(({ host }) => host))
}

/** The same with how many they are. */
export function rangeLine(fold: Fold): Html {
  return html`<code class="range">${rangeOf(fold)}</code> <span class="count">${hostCount(fold.outcomes.length)}</span>`
}

/** The checks that all of these hosts have, each with what it saw. */
export function checkList(fold: Fold): Html | null {
  const checks = foldedChecks(fold)
  if (checks.length === 0) return null
  const items = checks.map(
    ({ name, status, detail }) => html`<li>${checkMark(status)} <b>${name}</b> <span>${line(detail)}</span></li>\n`,
  )
  return html`<ul class="checks">
${items}</ul>`
}

/** What went wrong, and what to try; of who has no problem it is a note. */
export function errorLines(fold: Fold, as: 'error' | 'note'): Html | null {
  const message = foldedError(fold, 'message')
  if (message === '') return null
  const hint = foldedError(fold, 'hint')
  return html`<p class="${as}">${line(message)}</p>${hint !== '' && html`<p class="hint">Try: ${line(hint)}</p>`}`
}

/** `3 pass, 1 FAIL` */
export function checkCounts(fold: Fold): string {
  const checks = foldedChecks(fold)
  const n = (status: string): number => checks.filter(check => check.status === status).length
  const parts = [
    [n('fail'), 'FAIL'],
    [n('unknown'), 'unknown'],
    [n('pass'), 'pass'],
  ] as const
  return parts.flatMap(([count, word]) => (count === 0 ? [] : [`${formatCount(count)} ${word}`])).join(', ')
}
