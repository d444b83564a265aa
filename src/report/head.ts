/** What somebody reads who reads no further: how it ended, and what the run was. */

import { type Account, stoppedIn } from '../run/account.ts'
import { countStates } from '../run/run-summary.ts'
import { hostCount, line } from '../view/human.ts'
import { sinceLines } from '../view/since.ts'
import { dayText, momentOf, tookText } from '../view/times.ts'
import { type Html, html } from './html.ts'
import { type Tone, toneOf, WORST_FIRST } from './marks.ts'

interface Verdict {
  readonly tone: Tone
  readonly sign: string
  readonly text: string
}

/** One sentence for the whole run. */
export function verdictOf(account: Account): Verdict {
  const { hosts, command } = account
  const counts = countStates(hosts)
  const of = (...tones: readonly Tone[]): number => hosts.filter(({ state }) => tones.includes(toneOf(state))).length
  const all = hostCount(hosts.length)
  const told = WORST_FIRST.flatMap(state => (counts.has(state) ? [`${counts.get(state)} ${state}`] : [])).join(', ')
  if (of('bad') > 0) return { tone: 'bad', sign: '‼', text: `A person is needed on ${of('bad')} of ${all}: ${told}` }
  const went = command === 'rollback' ? 'as before' : 'as wanted'
  if (hosts.length === of('good')) {
    return { tone: 'good', sign: '✓', text: `${all} ${went}${told === '' ? '' : `: ${told}`}` }
  }
  const isOver = stoppedIn(account) !== undefined
  const text = `${isOver ? 'Stopped early: ' : ''}${of('good')} of ${all} ${went}: ${told}`
  return { tone: isOver || of('warn') > 0 ? 'warn' : 'calm', sign: '!', text }
}

/** Title, verdict, and who did what when. `meaning` is that of the exit code. */
export function headOf(account: Account, meaning: string | null): Html {
  const { run, command, strategy, of, who, at, endedAt, exitCode, hosts } = account
  const { tone, sign, text } = verdictOf(account)
  const what = of === null ? strategy.join(', ') : `run ${of}`
  const ended =
    exitCode === null
      ? `no end is recorded; the last entry is of ${dayText(endedAt)}`
      : `${dayText(endedAt)} (${tookText(momentOf(at), momentOf(endedAt))})`
  const facts: readonly (readonly [string, string | Html])[] = [
    ['Run', html`<code>${run}</code>`],
    ['Command', `ctfix ${command}: ${line(what)}`],
    ['Hosts', hostCount(hosts.length)],
    ['By', who ?? 'not recorded'],
    ['Begun', dayText(at)],
    ['Ended', ended],
    ['Exit code', exitCode === null ? 'none' : `${exitCode}${meaning === null ? '' : `: ${meaning}`}`],
    ...sinceLines(account).map(([what, when]): [string, string] => [`${what[0]?.toUpperCase()}${what.slice(1)}`, when]),
  ]
  return html`<header>
<h1>ctfix ${command}: ${line(what)}</h1>
<p class="verdict ${tone}"><i aria-hidden="true">${sign}</i> ${text}</p>
<dl class="facts">
${facts.map(([term, said]) => html`<div><dt>${term}</dt><dd>${said}</dd></div>\n`)}</dl>
</header>`
}
