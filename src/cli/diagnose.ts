/** `ctfix diagnose`: what is wrong with each host, and which strategy would cure it. */

import type { Diagnosis } from '../diagnose/diagnose.ts'
import { diagnoseHost } from '../run/diagnose-host.ts'
import { eachHost } from '../run/fleet.ts'
import { exitCodeOfRun } from '../run/status.ts'
import { diagnosisDocument, diagnosisText } from '../view/diagnosis.ts'
import { documentText } from '../view/document.ts'
import { createPaint } from '../view/paint.ts'
import { processStreams } from '../view/streams.ts'
import { print } from '../view/view.ts'
import { applyLine } from './apply-line.ts'
import type { SharedOptions, WhatOptions } from './options.ts'
import { openFleet, openSession } from './session.ts'

type DiagnoseOptions = SharedOptions & Pick<WhatOptions, 'window' | 'detailedExitcode'>

/** Looks at every host over a window; nothing is changed. */
export async function diagnose(options: DiagnoseOptions): Promise<void> {
  const { hosts } = await openFleet(options)
  const { view, tools, pace } = openSession(options, {
    total: hosts.length,
    phases: ['connect', 'probe'],
    windowSeconds: options.window,
  })
  const found = new Map<string, Diagnosis>()
  const outcomes = await eachHost(hosts, pace, async host => {
    const { facts, diagnosis } = await diagnoseHost(host, tools)
    found.set(host.name, diagnosis)
    const isIll = diagnosis.findings.some(({ severity }) => severity !== 'notice')
    return { status: isIll ? 'would-change' : 'ok', facts, plan: diagnosis.recommendation.plan }
  })
  await view.settle()
  const exitCode = exitCodeOfRun(outcomes, options.detailedExitcode === true)
  const commandFor = applyLine(options, hosts.length)
  const streams = processStreams(options.color)
  const pieces =
    options.output === 'human'
      ? [diagnosisText(outcomes, found, { paint: createPaint(streams.color), commandFor })]
      : documentText(diagnosisDocument(outcomes, found, { exitCode, commandFor }), options.output === 'json' ? 2 : 0)
  await print(streams, pieces)
  process.exitCode = exitCode
}
