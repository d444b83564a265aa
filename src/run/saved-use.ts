/** A saved plan is carried out once: whoever begins the first host of it takes it, in one step that only one can win. */
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ConfigError, codeOf, messageOf, StaleError } from '../errors.ts'
import { makeOwnDirectory } from '../transport/own-directory.ts'
import { discard, type ReadPlan } from './saved-file.ts'

const use = z.object({ plan: z.string(), run: z.string(), who: z.string(), at: z.string() })

/** Who carried a plan out, in which run. */
export type Use = z.infer<typeof use>

/** By the plan's id, for whoever has a copy of the file; and beside the file, for whoever has another state directory. */
const marks = (stateDir: string, { file, plan }: ReadPlan): readonly [string, string] => [
  join(stateDir, 'used-plans', plan.id),
  `${file}.used`,
]

/** Who used it; null: nobody that can be known of here. */
export function useOf(stateDir: string, read: ReadPlan): Use | null {
  const [ours, beside] = marks(stateDir, read)
  const noted = noteIn(beside)
  return noteIn(ours) ?? (noted?.plan === read.plan.id ? noted : null)
}

/** Takes it for this run. Throws StaleError where somebody was first, ConfigError where it cannot be written down. */
export function takePlan(stateDir: string, read: ReadPlan, by: Omit<Use, 'plan'>): void {
  const [ours, beside] = marks(stateDir, read)
  const text = `${JSON.stringify({ plan: read.plan.id, ...by })}\n`
  if (!create(ours, text)) throw used(useOf(stateDir, read))
  if (createWhereWeMay(beside, text)) return
  const first = noteIn(beside)
  if (first?.plan !== read.plan.id) return
  rmSync(ours, { force: true })
  throw used(first)
}

/** Where a new plan takes the place of one that was used, the mark of that one goes. */
export function forgetUse(file: string): void {
  const mark = `${file}.used`
  // Something else of that name is left alone.
  if (noteIn(mark)?.plan) rmSync(mark, { force: true })
}

/** The plan may lie where we may only read: what counts is noted in the state directory. */
function createWhereWeMay(path: string, text: string): boolean {
  try {
    return create(path, text)
  } catch {
    return true
  }
}

/** What is said of a plan that was used. */
export function used(by: Use | null): StaleError {
  if (by === null) return new StaleError('the plan was used already')
  const hint = `ctfix runs show ${by.run}`
  return new StaleError(`the plan was used already: ${by.at}, by ${by.who}, in run ${by.run}`, { hint })
}

/** The whole text at once, so that nobody reads half of it. False: it is there already. */
function create(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}`
  try {
    makeOwnDirectory(dirname(path))
    rmSync(draft, { force: true })
    const file = openSync(draft, 'wx', 0o600)
    writeFileSync(file, text)
    fsyncSync(file)
    closeSync(file)
    linkSync(draft, path)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    const reason = messageOf(cause)
    throw new ConfigError(`nothing was changed: cannot note that the plan is used: ${reason}`, {
      place: { file: path },
    })
  } finally {
    discard(draft)
  }
}

function noteIn(path: string): Use | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  try {
    return use.parse(JSON.parse(text))
  } catch {
    // Nobody else writes there: used all the same.
    return { plan: '', run: 'unknown', who: 'somebody', at: 'at some time' }
  }
}
