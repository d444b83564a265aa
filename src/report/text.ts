/** What the page has and a recap has not, for who reads a report on a terminal: who, when, before and after, the way back. */
import type { Account, HostAccount } from '../run/account.ts'
import { hostsBack } from '../run/taken-back.ts'
import { hostCount, line } from '../view/human.ts'
import type { Paint } from '../view/paint.ts'
import { sinceLines } from '../view/since.ts'
import { clockText, dayText, momentOf, tookText } from '../view/times.ts'
import { displayWidth, padTo } from '../view/width.ts'
import { verdictOf } from './head.ts'
import { ABSENT, countText, fillText, lostInWindow, lostOf, usageText } from './numbers.ts'

/** Above the diffs: which run it was, how it ended, and how long it took. */
export function headText(account: Account, paint: Paint): string {
  const { run, command, strategy, of, who, at, endedAt, exitCode, story } = account
  const { sign, text } = verdictOf(account)
  const took = `${dayText(at)}, ${tookText(momentOf(at), momentOf(endedAt))}`
  const batches = story.flatMap(one =>
    one.type === 'batch'
      ? [
          `  ${clockText(one.at)} batch ${one.index} of ${one.of}${one.canary ? ', the canary' : ''}: ${hostCount(one.hosts.length)}`,
        ]
      : [],
  )
  return `${[
    `${paint.bold(`${sign} ${text}`)}`,
    `run ${run}  ctfix ${command} ${line(of ?? strategy.join(','))}  by ${line(who ?? 'nobody on record')}`,
    `${took}, exit code ${exitCode ?? 'none: it was broken off'}`,
    ...sinceLines(account).map(([what, when]) => `${paint.bold(what)} ${when}`),
    ...batches,
  ].join('\n')}\n`
}

const TITLES = ['host', 'usage', 'entries / max', 'dropped', 'log lines']

/** Each host that was looked at twice; empty where none was. */
export function numbersText({ hosts }: Account, paint: Paint): string {
  const rows = hosts.filter(({ before, after }) => before !== null && after !== null).map(rowOf)
  if (rows.length === 0) return ''
  const all = [TITLES, ...rows]
  const widths = TITLES.map((_, i) => all.reduce((most, row) => Math.max(most, displayWidth(row[i] ?? '')), 0))
  const [titles = '', ...lines] = all.map(row =>
    row
      .map((cell, i) => padTo(cell, widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${[paint.bold(titles), ...lines].join('\n')}\n`
}

function rowOf({ name, before, after }: HostAccount): string[] {
  const pair = (was: string, is: string): string => (was === is ? is : `${was} → ${is}`)
  const seconds = after?.window?.seconds
  const risen = (was: number | null, rise: number | null): string =>
    rise === null || seconds === undefined
      ? countText(was)
      : `${countText(was)} → +${countText(rise)} in ${seconds.toFixed(1)} s`
  return [
    line(name),
    pair(usageText(before), usageText(after)),
    fillText(before) === ABSENT ? fillText(after) : pair(fillText(before), fillText(after)),
    risen(lostOf(before), lostInWindow(after)),
    risen(before?.lines ?? null, after?.window?.lines ?? null),
  ]
}

/** How what is there goes back; empty where nothing is. */
export function undoText(account: Account): string {
  const { run, command, hosts } = account
  const back = hostsBack(account.takenBack)
  if (command !== 'apply' || !hosts.some(({ name, state }) => state === 'changed' && !back.has(name))) return ''
  return `to undo  ctfix rollback -i INVENTORY ${run} --dry-run, and then without --dry-run\n`
}
