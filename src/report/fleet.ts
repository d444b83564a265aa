/** The tables of all hosts that were changed, before and after. */
import { formatCount, formatShare } from '../lang/numbers.ts'
import type { Account, HostAccount } from '../run/account.ts'
import type { Numbers } from '../run/numbers.ts'
import { PRESSURE } from '../strategy/sizing.ts'
import { type Pair, pairTable } from './bars.ts'
import { type Html, html } from './html.ts'
import { lostInWindow, lostOf, usageOf } from './numbers.ts'
import { statesTable } from './states.ts'

interface Both {
  readonly name: string
  readonly before: Numbers
  readonly after: Numbers
}

/** Their tables, taken together, and who is how full. */
export function fleetOf({ hosts }: Account): Html {
  const both = hosts.flatMap(({ name, state, before, after }): Both[] =>
    state === 'changed' && before && after ? [{ name, before, after }] : [],
  )
  if (both.length === 0) {
    return section(html`<p class="note">No numbers of before and after: ${whyNone(hosts)}.</p>`)
  }
  const rows = [fullest(both), overPressure(both), entries(both), losses(both), lines(both)]
  const body = rows.map(
    ([what, before, after]) => html`<tr><th scope="row">${what}</th><td>${before}</td><td>${after}</td></tr>\n`,
  )
  return section(html`<div class="figures">
<table class="fleet"><caption>The ${formatCount(both.length)} changed host${both.length === 1 ? '' : 's'}, before and after</caption>
<thead><tr><th scope="col"></th><th scope="col">before</th><th scope="col">after</th></tr></thead>
<tbody>
${body}</tbody></table>
${spreadOf(both)}
${fleetStates(both)}
</div>`)
}

function section(inside: Html): Html {
  return html`<section id="fleet" aria-labelledby="h-fleet">
<h2 id="h-fleet">Before and after</h2>
${inside}
</section>`
}

function whyNone(hosts: readonly HostAccount[]): string {
  return hosts.some(({ state }) => state === 'changed') ? 'the record has none' : 'no host was changed'
}

type Row = readonly [what: string, before: string, after: string]

function fullest(both: readonly Both[]): Row {
  const most = (of: 'before' | 'after'): string => {
    const [top] = both
      .flatMap(one => {
        const usage = usageOf(one[of])
        return usage === null ? [] : [{ name: one.name, usage }]
      })
      .toSorted((a, b) => b.usage - a.usage)
    if (top === undefined) return 'not known'
    return both.length === 1 ? formatShare(top.usage) : `${formatShare(top.usage)} on ${top.name}`
  }
  return ['The fullest table', most('before'), most('after')]
}

function overPressure(both: readonly Both[]): Row {
  const over = (of: 'before' | 'after'): string => {
    const known = both.filter(one => usageOf(one[of]) !== null || isWithoutUsage(one[of]))
    if (known.length === 0) return 'not known'
    return `${formatCount(known.filter(one => (usageOf(one[of]) ?? 0) >= PRESSURE).length)}${ofSome(known, both)}`
  }
  return [`Hosts at ${PRESSURE * 100} % or more`, over('before'), over('after')]
}

function entries(both: readonly Both[]): Row {
  const told = (of: 'before' | 'after'): string => {
    const known = both.filter(one => one[of].count !== null && one[of].max !== null)
    const sum = (pick: 'count' | 'max'): string =>
      formatCount(known.reduce((total, one) => total + (one[of][pick] ?? 0), 0))
    return known.length === 0 ? 'not known' : `${sum('count')} of ${sum('max')}${ofSome(known, both)}`
  }
  return ['Entries, of so many that fit', told('before'), told('after')]
}

function losses(both: readonly Both[]): Row {
  const before = all(both, one => lostOf(one.before))
  const after = all(both, one => lostInWindow(one.after))
  const was = before === null ? 'no counters' : `${before} since boot`
  return ['Packets dropped, entries thrown out', was, after === null ? 'not watched' : `${after} ${watched(both)}`]
}

function lines(both: readonly Both[]): Row {
  const before = all(both, one => one.before.lines)
  const after = all(both, one => one.after.window?.lines ?? null)
  const was = before === null ? 'log not readable' : `${before} in the kernel log`
  return ['Lines “table full”', was, after === null ? 'not watched' : `${after} new ${watched(both)}`]
}

function watched(both: readonly Both[]): string {
  const seconds = both.map(({ after }) => after.window?.seconds ?? 0)
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map(value => value.toFixed(1))
  return least === most ? `in ${most} s` : `in ${least} to ${most} s`
}

/** Of those hosts that say it, and how many that are where not all do; null where none does. */
function all(both: readonly Both[], of: (one: Both) => number | null): string | null {
  const said = both.map(of).filter(value => value !== null)
  if (said.length === 0) return null
  return `${formatCount(said.reduce((sum, value) => sum + value, 0))}${ofSome(said, both)}`
}

/** What is not known of some hosts must not read as if nothing were the matter there. */
function ofSome(known: readonly unknown[], both: readonly Both[]): string {
  return known.length === both.length ? '' : ` (known of ${formatCount(known.length)} of ${formatCount(both.length)})`
}

/** No table, or one without a limit: it is known not to be too full. */
function isWithoutUsage({ tracks, max }: Numbers): boolean {
  return !tracks || max === 0
}

/** From so many hosts on, a picture says more than their rows. */
const MANY = 5
const STEPS = [0, 0.2, 0.4, 0.6, PRESSURE]

function spreadOf(both: readonly Both[]): Html | null {
  if (both.length < MANY) return null
  const pairs = STEPS.map((from, i): Pair => {
    const to = STEPS[i + 1] ?? Number.POSITIVE_INFINITY
    const within = (numbers: Numbers): boolean => {
      const usage = usageOf(numbers)
      return usage !== null && usage >= from && usage < to
    }
    const [before, after] = [
      both.filter(one => within(one.before)).length,
      both.filter(one => within(one.after)).length,
    ]
    const label = Number.isFinite(to) ? `${from * 100} to ${to * 100} %` : `${from * 100} % and more`
    return { label, before, after, told: [formatCount(before), formatCount(after)] }
  })
  return pairTable('Hosts by how full their table is', 'usage', pairs)
}

function fleetStates(both: readonly Both[]): Html | null {
  const counted = both.filter(({ before, after }) => before.states !== null && after.states !== null)
  if (counted.length === 0 || both.length === 1) return null
  const sums = (of: 'before' | 'after'): Readonly<Record<string, number>> => {
    const total = new Map<string, number>()
    for (const one of counted)
      for (const [state, n] of Object.entries(one[of].states ?? {})) total.set(state, (total.get(state) ?? 0) + n)
    return Object.fromEntries(total)
  }
  return statesTable('Entries by state, all of them', sums('before'), sums('after'), 8)
}
