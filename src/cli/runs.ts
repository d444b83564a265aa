/** `ctfix runs list | show RUN`: what was done from here, and what is left in doubt. */
import { EXIT, messageOf } from '../errors.ts'
import { accountOf } from '../run/account.ts'
import { eachHost } from '../run/fleet.ts'
import { askAboutRun } from '../run/on-host.ts'
import { listRuns, type RecordedRun, readRun } from '../run/recorded.ts'
import { type RunSummary, summarizeRun } from '../run/run-summary.ts'
import { connected } from '../run/survey.ts'
import { runDirectory } from '../run/tools.ts'
import { type Heard, runDocumentOf, runsDocument, runsText, runText } from '../view/runs.ts'
import { openFleetAsThen } from './as-then.ts'
import type { SharedOptions } from './options.ts'
import { openSession, stateDirectory } from './session.ts'

/** The runs that have a record here. One that cannot be read is said on stderr and ends the command with 65. */
export function listRecords(options: SharedOptions): void {
  const state = stateDirectory(options)
  const summaries: RunSummary[] = []
  for (const run of listRuns(state)) {
    try {
      summaries.push(summarizeRun(readRun(state, run)))
    } catch (error) {
      process.stderr.write(`ctfix: ${messageOf(error)}\n`)
      process.exitCode = EXIT.badInput
    }
  }
  print(options, runsText(summaries), runsDocument(summaries))
}

/** One run; with an inventory each of its hosts is asked what it knows itself. */
export async function showRun(run: string, options: SharedOptions): Promise<void> {
  const recorded = readRun(stateDirectory(options), run)
  const account = accountOf(recorded)
  const heard = options.inventory.length > 0 ? await ask(recorded, account, options) : new Map<string, Heard>()
  print(options, runText(account, heard), runDocumentOf(account, heard))
}

function print({ output }: SharedOptions, text: string, document: unknown): void {
  const indent = output === 'json' ? 2 : 0
  process.stdout.write(output === 'human' ? text : `${JSON.stringify(document, null, indent)}\n`)
}

async function ask(run: RecordedRun, summary: RunSummary, options: SharedOptions): Promise<Map<string, Heard>> {
  const { hosts } = await openFleetAsThen(options, run)
  const asked = hosts.filter(({ name }) => summary.hosts.some(host => host.name === name))
  const { tools, stop } = openSession(options, { total: asked.length, phases: ['connect', 'probe'] })
  const heard = new Map<string, Heard>()
  const outcomes = await eachHost(asked, { forks: options.forks, stop, emit: () => {} }, async host => {
    const said = await connected(host, tools, async connection => {
      await using open = connection
      return await askAboutRun(open, runDirectory(summary.run))
    })
    heard.set(host.name, said)
    return { status: 'ok' }
  })
  for (const { host, status, error } of outcomes) {
    if (status !== 'ok') heard.set(host, { unreachable: error?.message ?? status })
  }
  return heard
}
