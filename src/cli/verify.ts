/** `ctfix verify`: is the wanted state there, and is the symptom gone? */
import { EXIT } from '../errors.ts'
import { verifyOf } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import { readRun } from '../run/recorded.ts'
import { exitCodeOfRun } from '../run/status.ts'
import { openFleetAsThen } from './as-then.ts'
import type { SharedOptions, WhatOptions } from './options.ts'
import { outsideOf } from './outside.ts'
import type { ProbeOptions } from './probe-option.ts'
import { type Fleet, openSession, stateDirectory } from './session.ts'
import { wanted } from './wanted.ts'

interface VerifyOptions extends SharedOptions, WhatOptions, ProbeOptions {
  readonly run?: string
  readonly plan?: string
}

/** Looks at every host over a window; nothing is changed. */
export async function verify(options: VerifyOptions): Promise<void> {
  const { hosts, taskOf, strategy, saved } = wanted(await fleetOf(options), options, stateDirectory(options))
  const outside = await outsideOf(options)
  const { run, view, pace, ...session } = openSession(options, {
    total: hosts.length,
    phases: ['connect', 'probe'],
    windowSeconds: options.window,
  })
  const tools = { ...session.tools, ...outside }
  const outcomes = await eachHost(hosts, pace, host =>
    saved ? saved.verify(host, tools) : verifyOf(host, taskOf(host), tools),
  )
  await view.settle()
  const detailed = options.detailedExitcode === true
  const drift = outcomes.some(({ status }) => status === 'would-change')
  const code = exitCodeOfRun(outcomes, detailed)
  // Drift is not "as wanted": without the detailed codes it is a plain failure.
  const exitCode = code === EXIT.ok && drift ? EXIT.failed : code
  await view.result({ run, command: 'verify', strategy }, outcomes, exitCode)
  process.exitCode = exitCode
}

/** Of a run: reached as it reached them. */
function fleetOf(options: VerifyOptions): Promise<Fleet> {
  const { run } = options
  return openFleetAsThen(options, run === undefined ? null : readRun(stateDirectory(options), run))
}
