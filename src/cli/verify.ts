/** `ctfix verify`: is the wanted state there, and is the symptom gone? */
import { EXIT } from '../errors.ts'
import { verifyOf } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import { exitCodeOfRun } from '../run/status.ts'
import type { SharedOptions, WhatOptions } from './options.ts'
import { openFleet, openSession, stateDirectory } from './session.ts'
import { wanted } from './wanted.ts'

interface VerifyOptions extends SharedOptions, WhatOptions {
  readonly run?: string
}

/** Looks at every host over a window; nothing is changed. */
export async function verify(options: VerifyOptions): Promise<void> {
  const { hosts, taskOf, strategy } = wanted(await openFleet(options), options, stateDirectory(options))
  const { run, view, tools, stop } = openSession(options, {
    total: hosts.length,
    phases: ['connect', 'probe'],
    windowSeconds: options.window,
  })
  const outcomes = await eachHost(hosts, { forks: options.forks, stop, emit: tools.emit }, host =>
    verifyOf(host, taskOf(host), tools),
  )
  await view.settle()
  const detailed = options.detailedExitcode === true
  const drift = outcomes.some(({ status }) => status === 'would-change')
  const code = exitCodeOfRun(outcomes, detailed)
  // Drift is not "as wanted": without the detailed codes it is a plain failure.
  const exitCode = code === EXIT.ok && drift ? EXIT.failed : code
  view.result({ run, command: 'verify', strategy }, outcomes, exitCode)
  process.exitCode = exitCode
}
