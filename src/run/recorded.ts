/** Reading records back: what a run wanted, how far it came on each host, which runs there are. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, UsageError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { planSchema } from '../plan/plan-file.ts'
import { runsDirectory } from './record.ts'
import { type Outcome, STATUSES } from './status.ts'

const steps = z.array(z.object({ strategy: z.string(), options: z.record(z.string(), z.unknown()) }))

const headerSchema = z.object({
  command: z.string().default('apply'),
  at: z.string().nullable().default(null),
  who: z.string().nullable().default(null),
  strategy: z.array(z.string()),
  hosts: z.array(z.string()).default([]),
  tasks: z.array(z.object({ hosts: z.array(z.string()), steps, force: z.boolean() })).default([]),
  /** Of a rollback: the run that is taken back. */
  of: z.string().nullable().default(null),
})

const outcomeSchema = z.object({
  status: z.enum(STATUSES),
  cause: z.enum(['stale', 'interrupted', 'excluded', 'locked']).nullable(),
  error: z.object({ message: z.string(), hint: z.string().nullable() }).nullable(),
  digest: z.string().nullable().default(null),
})

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('planned'), host: z.string(), plan: planSchema }),
  z.object({ type: z.literal('intent'), host: z.string(), step: z.enum(['apply', 'persist', 'undo']) }),
  z.object({ type: z.literal('outcome'), host: z.string() }).extend(outcomeSchema.shape),
  z.object({ type: z.literal('resumed') }),
])

/** How far a run came on one host. */
export interface Progress {
  readonly plan: Plan | null
  /** The last thing that was about to be asked of the host; null: it was never touched. */
  readonly step: 'apply' | 'persist' | 'undo' | null
  /** Null while it is under way, and for ever when the controller ended in the middle. */
  readonly outcome: Pick<Outcome, 'status' | 'cause' | 'error' | 'digest'> | null
}

export interface RecordedRun extends z.infer<typeof headerSchema> {
  readonly run: string
  readonly directory: string
  /** Of each host something was written of. */
  readonly progress: ReadonlyMap<string, Progress>
}

/** Ids of the runs that have a record here, oldest first. */
export function listRuns(stateDir: string): string[] {
  try {
    return readdirSync(runsDirectory(stateDir), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name)
      .toSorted()
  } catch (cause) {
    if (isMissing(cause)) return []
    throw unreadable(runsDirectory(stateDir), cause)
  }
}

/** Throws UsageError for what cannot be the id of a run: it becomes part of a path, here and on hosts. */
function checkRunId(run: string): string {
  if (/^[0-9A-Za-z]{1,64}$/.test(run)) return run
  throw new UsageError(`expected the id of a run (letters and digits), got ${run}`)
}

/** Reads a record back. Throws ConfigError when there is none, or it is none of ours. */
export function readRun(stateDir: string, run: string): RecordedRun {
  const directory = join(runsDirectory(stateDir), checkRunId(run))
  try {
    const header = headerSchema.parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')))
    return { ...header, run, directory, progress: progressIn(eventsIn(join(directory, 'events.ndjson'))) }
  } catch (cause) {
    if (isMissing(cause))
      throw new ConfigError(`no run ${run} in ${runsDirectory(stateDir)}`, { cause, hint: 'ctfix runs list' })
    throw unreadable(directory, cause)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function unreadable(file: string, cause: unknown): ConfigError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
  return new ConfigError(`cannot read the run record: ${reason}`, { cause, place: { file } })
}

function eventsIn(path: string): z.infer<typeof eventSchema>[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
  return lines.flatMap((line, i) => {
    // The process, or the disk, may have ended in the middle of a line: the last one, or the last before it was resumed.
    const mayBeTorn = i === lines.length - 1 || lines[i + 1]?.includes('"type":"resumed"') === true
    const value = parsed(line, mayBeTorn)
    return value === null ? [] : [eventSchema.parse(value)]
  })
}

function parsed(line: string, mayBeTorn: boolean): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (mayBeTorn) return null
    throw error
  }
}

function progressIn(events: readonly z.infer<typeof eventSchema>[]): Map<string, Progress> {
  const progress = new Map<string, Progress>()
  const none: Progress = { plan: null, step: null, outcome: null }
  for (const event of events) {
    if (event.type === 'resumed') continue
    const known = progress.get(event.host) ?? none
    if (event.type === 'planned') progress.set(event.host, { ...known, plan: event.plan })
    else if (event.type === 'intent') progress.set(event.host, { ...known, step: event.step, outcome: null })
    else progress.set(event.host, { ...known, outcome: event })
  }
  return progress
}
