/** `ctfix plan`: the diff a change window is approved on; with --out it can be applied later as it was shown. */
import { UsageError } from '../errors.ts'
import { planOf, prepareApply } from '../run/commands.ts'
import { eachHost } from '../run/fleet.ts'
import { writtenStretches } from '../run/rollout/recorded-rules.ts'
import { checkOut, writePlan } from '../run/saved-file.ts'
import { type SavedPlan, savedHost } from '../run/saved-plan.ts'
import { forgetUse } from '../run/saved-use.ts'
import { exitCodeOfRun, type Outcome } from '../run/status.ts'
import { signature } from './changing.ts'
import type { PlanOptions } from './options.ts'
import { rulesIn, sayRules, stretchesOf } from './rollout.ts'
import { openFleet, openSession, type Session } from './session.ts'
import { type Wanted, wanted } from './wanted.ts'

/** Seconds for which a saved plan may be applied, where nobody said; and what may be said. */
const EXPIRES = 86_400
const MOST_EXPIRES = 30 * 86_400

/** Looks at every host and shows what would be done; nothing is changed. */
export async function plan(options: PlanOptions): Promise<void> {
  checkSaving(options)
  const fleet = await openFleet(options)
  const work = wanted(fleet, options)
  const { hosts, taskOf, strategy } = work
  const stretches = work.plays ? stretchesOf(work.plays, options, fleet) : []
  const session = openSession(options, { total: hosts.length, phases: ['connect', 'probe'] })
  const { run, view, tools, pace } = session
  const outcomes = await eachHost(hosts, pace, host => planOf(host, () => prepareApply(host, taskOf(host), tools)))
  await view.settle()
  const exitCode = exitCodeOfRun(outcomes, options.detailedExitcode === true)
  await view.plans(outcomes)
  sayRules(stretches)
  await view.result({ run, command: 'plan', strategy, ...rulesIn(stretches) }, outcomes, exitCode)
  process.exitCode = exitCode
  if (options.out !== undefined)
    await save(options.out, session, {
      id: run,
      ...made(options, work, outcomes),
      exitCode,
      rollout: writtenStretches(stretches),
    })
}

/** Throws UsageError before anybody waits for a plan that could not be written. */
function checkSaving({ out, expires }: PlanOptions): void {
  if (out === undefined && expires !== undefined) throw new UsageError('--expires needs --out: it is of a saved plan')
  if (expires !== undefined && expires > MOST_EXPIRES) {
    throw new UsageError(`--expires ${expires}: at most ${MOST_EXPIRES} s (30d): nobody knows a fleet for longer`)
  }
  if (out !== undefined) checkOut(out)
}

function made(
  options: PlanOptions,
  { hosts, strategy }: Wanted,
  outcomes: readonly Outcome[],
): Omit<SavedPlan, 'id' | 'exitCode' | 'rollout'> {
  const { at, who } = signature()
  const byName = new Map(outcomes.map(outcome => [outcome.host, outcome]))
  return {
    madeAt: at,
    expiresAt: new Date(Date.parse(at) + (options.expires ?? EXPIRES) * 1000).toISOString(),
    who,
    strategy: [...strategy],
    force: options.force === true,
    hosts: hosts.flatMap(host => {
      const outcome = byName.get(host.name)
      return outcome ? [savedHost(host, outcome)] : []
    }),
  }
}

async function save(file: string, { stop }: Session, plan: SavedPlan): Promise<void> {
  if (stop.aborted) {
    process.stderr.write(`ctfix: interrupted: ${file} is not written\n`)
    return
  }
  await writePlan(file, plan)
  forgetUse(file)
  process.stderr.write(`plan: ${file}, until ${plan.expiresAt}; ctfix show ${file}, ctfix apply --plan ${file}\n`)
}
