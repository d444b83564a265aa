/** Reading records back: what a run wanted, how far it came on each host, which runs there are. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, codeOf, UsageError } from '../errors.ts'
import { keptSchema } from '../inventory/kept-vars.ts'
import type { Plan } from '../plan/plan.ts'
import { planSchema } from '../plan/plan-file.ts'
import type { Check } from './checks.ts'
import { type Numbers, numbersSchema } from './numbers.ts'
import { type Probed, probedSchema } from './outside/probed.ts'
import { runsDirectory } from './record.ts'
import { stretchesSchema } from './rollout/recorded-rules.ts'
import { type Outcome, STATUSES } from './status.ts'
import { type Happening, happeningSchema } from './story.ts'

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
  /** Batches, limits and gates; none: all hosts at once. */
  rollout: stretchesSchema.default([]),
  /** What -e gave it. */
  extra_vars: keptSchema.default({ kept: {}, left: [] }),
})

/** What older versions did not write down, and what only people ask for: where it is not as we write it, it is missing. */
const at = z.string().nullable().catch(null)
const numbers = numbersSchema.nullable().catch(null)
const check = z.object({ name: z.string(), status: z.enum(['pass', 'fail', 'unknown']), detail: z.string() })

const outcomeSchema = z.object({
  status: z.enum(STATUSES),
  cause: z.enum(['stale', 'interrupted', 'excluded', 'locked', 'budget']).nullable(),
  error: z.object({ message: z.string(), hint: z.string().nullable() }).nullable(),
  digest: z.string().nullable().default(null),
  checks: z.array(check).catch([]),
  elapsedMs: z.number().nullable().catch(null),
  ...{ at, numbers },
})

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('planned'), host: z.string(), plan: planSchema, numbers }),
  z.object({ type: z.literal('intent'), host: z.string(), step: z.enum(['apply', 'persist', 'undo']), at }),
  z.object({ type: z.literal('probe'), host: z.string(), probes: probedSchema.array().catch([]) }),
  z.object({ type: z.literal('outcome'), host: z.string() }).extend(outcomeSchema.shape),
  // How far a run came is said of its hosts; these tell a person how it went.
  z.looseObject({ type: z.enum(['batch', 'gate', 'stopped', 'resumed', 'torn']) }),
])

/** How far a run came on one host. */
export interface Progress {
  readonly plan: Plan | null
  /** The last thing that was about to be asked of the host; null: it was never touched. */
  readonly step: 'apply' | 'persist' | 'undo' | null
  /** Null while it is under way, and for ever when the controller ended in the middle. */
  readonly outcome: Pick<Outcome, 'status' | 'cause' | 'error' | 'digest'> | null
  /** What was counted before it was touched, and what the last look has; null: not recorded, or nobody looked. */
  readonly before: Numbers | null
  readonly after: Numbers | null
  readonly checks: readonly Check[]
  /** What was measured from outside; none: nobody asked for it. */
  readonly probes: readonly Probed[]
  readonly elapsedMs: number | null
  /** When it was first about to be changed, and when its outcome was written down. */
  readonly begunAt: string | null
  readonly endedAt: string | null
}

export interface RecordedRun extends z.infer<typeof headerSchema> {
  readonly run: string
  readonly directory: string
  /** Of each host something was written of. */
  readonly progress: ReadonlyMap<string, Progress>
  /** What concerned several hosts at once, in order. */
  readonly story: readonly Happening[]
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
    const events = eventsIn(join(directory, 'events.ndjson'))
    const story = events.flatMap(event => happeningSchema.safeParse(event).data ?? [])
    return { ...header, run, directory, story, progress: progressIn(events) }
  } catch (cause) {
    if (isMissing(cause))
      throw new ConfigError(`no run ${run} in ${runsDirectory(stateDir)}`, { cause, hint: 'ctfix runs list' })
    throw unreadable(directory, cause)
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

function unreadable(file: string, cause: unknown): ConfigError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
  return new ConfigError(`cannot read the run record: ${reason}`, { cause, place: { file } })
}

function eventsIn(path: string): z.infer<typeof eventSchema>[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
  // The process, or the disk, may have ended in the middle of a line: the last one, or the last before it went on.
  let mayBeTorn = true
  const events = lines.toReversed().flatMap(line => {
    const value = parsed(line, mayBeTorn)
    if (value === null) return []
    const event = eventSchema.parse(value)
    mayBeTorn = event.type === 'resumed' || event.type === 'torn'
    return [event]
  })
  return events.toReversed()
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
  const none: Progress = {
    ...{ plan: null, step: null, outcome: null, before: null, after: null, checks: [], elapsedMs: null },
    ...{ probes: [], begunAt: null, endedAt: null },
  }
  // Of a host that was begun: what a later look would do there, until it is done.
  const again = new Map<string, Plan>()
  for (const event of events) {
    if (event.type === 'probe') {
      progress.set(event.host, { ...(progress.get(event.host) ?? none), probes: event.probes })
      continue
    }
    if (event.type !== 'planned' && event.type !== 'intent' && event.type !== 'outcome') continue
    const known = progress.get(event.host) ?? none
    if (event.type === 'planned' && known.step !== null) again.set(event.host, event.plan)
    else progress.set(event.host, further(known, event, again.get(event.host)))
  }
  return progress
}

type OfHost = Extract<z.infer<typeof eventSchema>, { type: 'planned' | 'intent' | 'outcome' }>

function further(known: Progress, event: OfHost, again: Plan | undefined): Progress {
  switch (event.type) {
    case 'planned':
      return { ...known, plan: event.plan, before: event.numbers ?? known.before }
    case 'intent':
      return {
        ...{ ...known, step: event.step, outcome: null, begunAt: known.begunAt ?? event.at },
        // What is proved and kept is what was begun; only what is applied anew is another plan.
        plan: event.step === 'apply' ? (again ?? known.plan) : known.plan,
      }
    case 'outcome': {
      // Nobody came to it this time: what became of it before still holds, and so does that nobody knows.
      if (event.status === 'skipped' && known.step !== null) return known
      const { numbers: after, checks, elapsedMs, at: endedAt } = event
      return { ...known, outcome: event, after, checks, elapsedMs, endedAt }
    }
    default:
      return event satisfies never
  }
}
