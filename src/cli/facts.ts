/** `ctfix facts`: what each host is. */
import { factsOf } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import { exitCodeOfRun } from '../run/status.ts'
import type { SharedOptions } from './options.ts'
import { openFleet, openSession } from './session.ts'

/** Looks at every host; nothing is changed. */
export async function facts(options: SharedOptions): Promise<void> {
  const { hosts } = await openFleet(options)
  const { view, tools, pace } = openSession(options, { total: hosts.length, phases: ['connect', 'probe'] })
  const outcomes = await eachHost(hosts, pace, host => factsOf(host, tools))
  await view.settle()
  const exitCode = exitCodeOfRun(outcomes, false)
  await view.facts(outcomes, exitCode)
  process.exitCode = exitCode
}
