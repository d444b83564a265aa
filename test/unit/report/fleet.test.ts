/** The fleet in a few numbers: what is not known of a host is no nought. */

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fleetOf } from '../../../src/report/fleet.ts'
import type { Account, HostAccount } from '../../../src/run/account.ts'
import { accountOf } from '../../../src/run/account.ts'
import type { Numbers } from '../../../src/run/numbers.ts'
import { readRun } from '../../../src/run/recorded.ts'
import { changed } from '../../support/fates.ts'
import { everyElement, parsePage, textIn } from '../../support/markup.ts'
import { RUN, recordRun } from '../../support/recorded-run.ts'

const state = mkdtempSync(join(tmpdir(), 'ctfix-fleet-'))
recordRun(state, [changed(1, 2)])
const account = accountOf(readRun(state, RUN))

/** Text of the row that begins so, where the second host's numbers are as given. */
function rows(second: Partial<Numbers>): (start: string) => string {
  const [one, two] = account.hosts
  const numbers = (host: HostAccount | undefined): Numbers => host?.after ?? expect.unreachable()
  const other = { ...numbers(two), ...second }
  const hosts = [one ?? expect.unreachable(), { ...(two ?? expect.unreachable()), before: other, after: other }]
  const page = parsePage(`<!DOCTYPE html>\n<html>${fleetOf({ ...account, hosts } satisfies Account).text}</html>`)
  const all = everyElement(page).filter(({ name }) => name === 'tr')
  return start => all.map(textIn).find(text => text.startsWith(start)) ?? expect.unreachable(start)
}

it('says of how many hosts a number is known', () => {
  const row = rows({ count: null, max: null, lost: null, lines: null, window: null })
  for (const start of ['Hosts at 80', 'Entries, of', 'Packets dropped', 'Lines']) {
    expect(row(start).match(/\(known of 1 of 2\)/g), start).toHaveLength(2)
  }
})

it('says nothing of that where all are known', () => {
  const row = rows({ tracks: false, count: 0, max: 0 })
  for (const start of ['Hosts at 80', 'Entries, of', 'Packets dropped', 'Lines']) {
    expect(row(start)).not.toMatch(/known of/)
  }
})
