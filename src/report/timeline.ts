/** How the run went: batch by batch, what was asked in between, and why it stopped. */
import type { Account } from '../run/account.ts'
import type { Happening } from '../run/story.ts'
import { hostRange } from '../view/hostrange.ts'
import { hostCount, line } from '../view/human.ts'
import { clockText, momentOf, tookText } from '../view/times.ts'
import { stretchBar } from './bars.ts'
import { type Html, html } from './html.ts'
import { counted } from './marks.ts'

interface Entry {
  readonly at: string | null
  readonly until: number | null
  readonly what: Html
  readonly came: Html | null
}

export function timelineOf(account: Account): Html | null {
  const entries = account.story.length > 0 ? account.story.flatMap((_, i) => entryOf(account, i)) : atOnce(account)
  if (entries.length === 0) return null
  const from = momentOf(account.at) ?? momentOf(entries[0]?.at ?? null)
  const to = momentOf(account.endedAt)
  const span = from === null || to === null ? 0 : to - from
  const bar = ({ at, until }: Entry): Html | null => {
    const begun = momentOf(at)
    if (span <= 0 || from === null || begun === null) return null
    return stretchBar((begun - from) / span, ((until ?? begun) - from) / span)
  }
  const rows = entries.map(entry => {
    const begun = momentOf(entry.at)
    const took = entry.until === null ? '' : tookText(begun, entry.until)
    return html`<tr><td class="n" data-l="Begun">${clockText(entry.at)}</td><th scope="row">${entry.what}</th><td data-l="Came to">${entry.came}</td><td class="n" data-l="Took">${took}</td><td class="bar">${bar(entry)}</td></tr>\n`
  })
  return html`<section id="timeline" aria-labelledby="h-timeline">
<h2 id="h-timeline">Timeline</h2>
${account.rules.length > 0 && html`<ul class="rules">${account.rules.map(rule => html`<li>${line(rule)}</li>`)}</ul>`}
<table class="timeline"><caption>Times are UTC; the bars are shares of the whole run</caption>
<thead><tr><th scope="col" class="n">Begun</th><th scope="col">What</th><th scope="col">Came to</th><th scope="col" class="n">Took</th><th scope="col"><span class="hidden">as a bar</span></th></tr></thead>
<tbody>
${rows}</tbody></table>
</section>`
}

function entryOf(account: Account, i: number): readonly Entry[] {
  const { story } = account
  const one = story[i]
  const next = story[i + 1]
  if (one === undefined) return []
  const { at } = one
  switch (one.type) {
    case 'batch': {
      const ends = momentOf(story.slice(i + 1).find(({ type }) => type === 'batch' || type === 'resumed')?.at ?? null)
      const what = html`batch ${one.index} of ${one.of}${one.canary && ', the canary'}: ${hostCount(one.hosts.length)} <code class="range">${hostRange(one.hosts)}</code>`
      return [{ at, what, ...cameTo(account, new Set(one.hosts), momentOf(at), ends) }]
    }
    case 'gate': {
      // Its verdict follows; what was only begun was broken off.
      const isJudged = next?.type === 'gate' && next.status !== 'begun'
      if (one.status === 'begun' && isJudged) return []
      const begun = story.slice(0, i).findLast(before => before.type === 'gate' && before.status === 'begun')
      const sign = { passed: '✓ passed', failed: '✗ FAILED', begun: '? begun, no end recorded' }[one.status]
      const came = html`<b>${sign}</b> ${line(one.detail)}`
      const since = one.status === 'begun' ? at : (begun?.at ?? at)
      return [{ at: since, until: momentOf(at), what: html`${GATES[one.kind]}`, came }]
    }
    case 'stopped': {
      const left = one.notAttempted.length
      const what = html`<b>✗ stopped</b>: ${line(one.reason)}`
      const came =
        left > 0 && html`${hostCount(left)} not attempted <code class="range">${hostRange(one.notAttempted)}</code>`
      return [{ at, until: null, what, came: came || null }]
    }
    case 'resumed':
      return [{ at, until: null, what: html`gone on with, after it was broken off`, came: null }]
    default:
      return one satisfies never
  }
}

const GATES: Readonly<Record<Extract<Happening, { type: 'gate' }>['kind'], string>> = {
  bake: 'waited',
  command: 'gate: a command was asked',
  symptom: 'the symptom, on hosts that were changed',
}

/** How the hosts of a batch ended, as far as that was within its time. */
function cameTo(
  { hosts }: Account,
  names: ReadonlySet<string>,
  from: number | null,
  ends: number | null,
): Pick<Entry, 'until' | 'came'> {
  const within = hosts.filter(({ name, endedAt }) => {
    const ended = momentOf(endedAt)
    return names.has(name) && ended !== null && (from === null || ended >= from) && (ends === null || ended <= ends)
  })
  if (within.length === 0) return { until: null, came: null }
  const until = Math.max(...within.map(({ endedAt }) => momentOf(endedAt) ?? 0))
  return { until, came: counted(within.map(({ state }) => state)) }
}

/** A run of one batch has no such events: it is one stretch of time. */
function atOnce(account: Account): readonly Entry[] {
  const { hosts, at } = account
  if (hosts.length === 0) return []
  const came = cameTo(account, new Set(hosts.map(({ name }) => name)), null, null)
  return [{ at, what: html`all hosts: ${hostCount(hosts.length)}`, ...came }]
}
