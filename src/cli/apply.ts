/** `ctfix apply`: plan, show, ask, apply, verify. A dry run is stopping after the plan. */
import { prepareApply } from '../run/commands.ts'
import { openRecord } from '../run/record.ts'
import { carryOut } from './carry-out.ts'
import { conclude, refuseWithoutAnybody, revertIn, signature, tellWhatIsLeft } from './changing.ts'
import type { ApplyOptions } from './options.ts'
import { resume } from './resume.ts'
import { openFleet, openSession, stateDirectory } from './session.ts'
import { recordHeader, wanted } from './wanted.ts'

/** Plans, shows, asks, applies, verifies. */
export async function apply(options: ApplyOptions): Promise<void> {
  refuseWithoutAnybody('apply', options)
  if (options.resume !== undefined) return resume(options, options.resume)
  const stopsAtPlan = options.check === true || options.dryRun === true
  const work = wanted(await openFleet(options), options)
  const session = openSession(options, {
    total: work.hosts.length,
    phases: stopsAtPlan ? ['connect', 'probe'] : ['connect', 'probe', 'apply', 'verify', 'persist'],
    windowSeconds: options.window,
    revertInSeconds: revertIn(options),
  })
  const header = { run: session.run, command: 'apply', strategy: work.strategy }
  const record = stopsAtPlan
    ? null
    : openRecord(stateDirectory(options), session.run, recordHeader({ ...header, ...signature() }, work))
  if (record) session.listen(record.write)
  tellWhatIsLeft(session)

  const outcomes = await carryOut(session, {
    hosts: work.hosts,
    prepare: host => prepareApply(host, work.taskOf(host), session.tools),
    forks: options.forks,
    yes: options.yes === true,
    stopsAtPlan,
    question: pending => `Apply to ${pending} of ${work.hosts.length} hosts?`,
  })
  await conclude(session, options, { header, record, outcomes })
}
