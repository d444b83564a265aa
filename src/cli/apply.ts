/** `ctfix apply`: plan, show, ask, apply, verify. A dry run is stopping after the plan. */
import { keptVars } from '../inventory/kept-vars.ts'
import { prepareApply } from '../run/commands.ts'
import { openRecord } from '../run/record.ts'
import { writtenStretches } from '../run/rollout/recorded-rules.ts'
import { reliefOf } from '../run/tools.ts'
import { carryOut } from './carry-out.ts'
import {
  conclude,
  isDryRun,
  phasesOf,
  refuseWithoutAnybody,
  resumeLine,
  revertIn,
  signature,
  tellWhatIsLeft,
  watchStop,
} from './changing.ts'
import type { ApplyOptions } from './options.ts'
import { outsideOf } from './outside.ts'
import { resume } from './resume.ts'
import { revertInBy, rulesIn, stretchesOf } from './rollout.ts'
import { refuseSpent, stretchesOfSaved, useUp } from './saved.ts'
import { openFleet, openSession, stateDirectory } from './session.ts'
import { recordHeader, wanted } from './wanted.ts'

/** Plans, shows, asks, applies, verifies. */
export async function apply(options: ApplyOptions): Promise<void> {
  refuseWithoutAnybody('apply', options)
  if (options.resume !== undefined) return resume(options, options.resume)
  const stopsAtPlan = isDryRun(options)
  const fleet = await openFleet(options)
  const work = wanted(fleet, options)
  const { saved } = work
  if (saved) refuseSpent(stateDirectory(options), saved.read)
  const stretches =
    saved && saved.stretches.length > 0
      ? stretchesOfSaved(saved, options, fleet)
      : stretchesOf(work.plays ?? [{ play: null, hosts: work.hosts }], options, fleet)
  const outside = await outsideOf(options)
  const session = openSession(options, {
    total: work.hosts.length,
    phases: phasesOf(options),
    windowSeconds: options.window,
    revertInSeconds: revertIn(options),
  })
  const header = { run: session.run, command: 'apply', strategy: work.strategy }
  const extra_vars = keptVars(fleet.inventory.extra)
  const record = stopsAtPlan
    ? null
    : openRecord(
        stateDirectory(options),
        session.run,
        recordHeader({ ...header, ...signature(), rollout: writtenStretches(stretches), extra_vars }, work),
      )
  if (record) session.record(record)
  if (record && saved) await useUp(saved.read, { stateDir: stateDirectory(options), record, session })
  tellWhatIsLeft(session, resumeLine(session.run))
  const stopped = watchStop(session)
  const revertInOf = revertInBy(stretches)

  const outcomes = await carryOut(session, {
    hosts: work.hosts,
    prepare(host) {
      const tools = { ...session.tools, ...outside, ...revertInOf(host) }
      return saved?.prepare(host, tools) ?? prepareApply(host, work.taskOf(host), tools)
    },
    forks: options.forks,
    yes: options.yes === true,
    stopsAtPlan,
    stretches,
    relief: host => reliefOf(work.taskOf(host)),
    question: pending => `Apply to ${pending} of ${work.hosts.length} hosts?`,
  })
  const told = { ...header, ...rulesIn(stretches), ...stopped() }
  await conclude(session, options, { header: told, record, outcomes, goOn: resumeLine(session.run) })
}
