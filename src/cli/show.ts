/** `ctfix show FILE`: a saved plan as it was shown. Reading is harmless: no inventory and no host is asked, and no state of the plan is in the way. */
import { EXIT } from '../errors.ts'
import { type ReadPlan, readPlan } from '../run/saved-file.ts'
import { outcomesOf } from '../run/saved-plan.ts'
import { type Use, useOf } from '../run/saved-use.ts'
import type { SavedNote } from '../view/document.ts'
import { createView } from '../view/index.ts'
import { savedText } from '../view/saved.ts'
import type { SharedOptions } from './options.ts'
import { rolloutText } from './saved.ts'
import { stateDirectory, streamsOf } from './session.ts'

interface ShowOptions extends SharedOptions {
  readonly detailedExitcode?: boolean
}

/** Shows it, and whether it can still be applied. */
export async function show(file: string, options: ShowOptions): Promise<void> {
  const read = readPlan(file)
  const outcomes = outcomesOf(read.plan)
  const { id: run, strategy, exitCode } = read.plan
  const note = noteOf(read, useOf(stateDirectory(options), read))
  const view = createView(options.output, streamsOf(options), { phases: [], total: outcomes.length })
  const rules = rolloutText(read)
  if (options.output === 'human') process.stdout.write(savedText(run, note, rules))
  await view.plans(outcomes)
  const header = { run, command: 'plan', strategy, saved: note, ...(rules.length > 0 && { rules }) }
  await view.result(header, outcomes, exitCode)
  const isPending = outcomes.some(({ status }) => status === 'would-change')
  process.exitCode = options.detailedExitcode && isPending ? EXIT.pending : EXIT.ok
}

/** What stands against applying it: the first of edited, used, expired. */
function noteOf({ plan: { madeAt, expiresAt, who }, isEdited }: ReadPlan, by: Use | null): SavedNote {
  const isExpired = Date.now() > Date.parse(expiresAt)
  const state = isEdited ? 'edited' : by ? 'used' : isExpired ? 'expired' : 'ready'
  return { state, madeAt, expiresAt, who, used: by && { run: by.run, who: by.who, at: by.at } }
}
