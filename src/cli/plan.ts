/** `ctfix plan`: the diff a change window is approved on. */
import { planOf, prepareApply } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import { exitCodeOfRun } from '../run/status.ts'
import type { SharedOptions, WhatOptions } from './options.ts'
import { openFleet, openSession } from './session.ts'
import { wanted } from './wanted.ts'

/** Looks at every host and shows what would be done; nothing is changed. */
export async function plan(options: SharedOptions & WhatOptions): Promise<void> {
  const { hosts, taskOf, strategy } = wanted(await openFleet(options), options)
  const { run, view, tools, stop } = openSession(options, { total: hosts.length, phases: ['connect', 'probe'] })
  const outcomes = await eachHost(hosts, { forks: options.forks, stop, emit: tools.emit }, host =>
    planOf(host, () => prepareApply(host, taskOf(host), tools)),
  )
  await view.settle()
  const exitCode = exitCodeOfRun(outcomes, options.detailedExitcode === true)
  view.plans(outcomes)
  view.result({ run, command: 'plan', strategy }, outcomes, exitCode)
  process.exitCode = exitCode
}
