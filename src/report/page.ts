/** One page that tells a run: no network, no script, nothing beside it; it prints. Account in, HTML out. */
import type { Account } from '../run/account.ts'
import { changesOf } from './changes.ts'
import { fleetOf } from './fleet.ts'
import { headOf } from './head.ts'
import { hostsOf } from './hosts.ts'
import { type Html, html } from './html.ts'
import { outsideOf } from './outside.ts'
import { recapOf } from './recap.ts'
import { checksOf, problemsOf } from './results.ts'
import { sheetOf } from './sheet.ts'
import { STYLE } from './style.ts'
import { timelineOf } from './timeline.ts'
import { undoOf } from './undo.ts'

interface About {
  readonly version: string
  /** What the exit code of the run means; null: it has none. */
  readonly meaning: string | null
}

/** Nothing may be loaded, sent or run, whatever a host has written into its names and logs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** The whole page. */
export function reportPage(account: Account, { version, meaning }: About): string {
  const sheet = sheetOf(account)
  const sections: readonly (readonly [id: string, title: string, section: Html | null])[] = [
    ['recap', 'Recap', recapOf(account)],
    ['problems', 'What needs a look', problemsOf(sheet)],
    ['fleet', 'Before and after', fleetOf(account)],
    ['hosts', 'Hosts', hostsOf(sheet)],
    ['outside', 'From outside', outsideOf(sheet)],
    ['timeline', 'Timeline', timelineOf(account)],
    ['changes', 'What changes', changesOf(sheet)],
    ['checks', 'Checks', checksOf(sheet)],
    ['undo', 'Undo', undoOf(sheet)],
  ]
  const there = sections.filter(([, , section]) => section !== null)
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>ctfix ${account.command} ${account.run}</title>
<style>${STYLE}</style>
</head>
<body>
${headOf(account, meaning)}
<nav aria-label="Sections">${there.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}</nav>
<main>
${there.map(([, , section]) => html`${section}\n`)}</main>
<footer><p>Made by ctfix ${version} from the record in <code>${account.directory}</code>; no host was asked. “Drops” are packets that were refused and entries that were thrown out for others (drop, early_drop, chainlength).</p></footer>
</body>
</html>
`.text
}
