/** Reading records back: what a run wanted, how far it came on each host, which runs there are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, codeOf, messageOf, UsageError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import type { Check } from './checks.ts'
import type { Numbers } from './numbers.ts'
import type { Probed } from './outside/probed.ts'
import { runsDirectory } from './record.ts'
import { eventSchema, headerSchema } from './record-schema.ts'
import type { Outcome } from './status.ts'
import { type Happening, happeningSchema } from './story.ts'

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

/** There is no record of this run here; it may be a colleague's. */
export class NoRunError extends ConfigError {}

/** Reads a record back. Throws NoRunError when there is none, ConfigError when it is none of ours or not whole. */
export function readRun(stateDir: string, run: string): RecordedRun {
  const directory = join(runsDirectory(stateDir), checkRunId(run))
  if (!existsSync(directory)) {
    throw new NoRunError(`no run ${run} in ${runsDirectory(stateDir)}`, { hint: 'ctfix runs list' })
  }
  const header = fromFile(join(directory, 'run.json'), text => headerSchema.parse(JSON.parse(text)))
  const events = fromFile(join(directory, 'events.ndjson'), eventsIn)
  const story = events.flatMap(event => happeningSchema.safeParse(event).data ?? [])
  return { ...header, run, directory, story, progress: progressIn(events) }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

/** What is wrong with a line of a file, from 1. */
class LineError extends Error {
  readonly line: number
  constructor(line: number, cause: unknown) {
    super(`line ${line}`, { cause })
    this.line = line
  }
}

function fromFile<T>(file: string, parse: (text: string) => T): T {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    if (cause instanceof LineError) throw unreadable(file, cause.cause, cause.line)
    throw unreadable(file, cause)
  }
}

function unreadable(file: string, cause: unknown, line?: number): ConfigError {
  return new ConfigError(`cannot read the run record: ${reasonOf(cause)}`, { cause, place: { file, line } })
}

function reasonOf(cause: unknown): string {
  if (isMissing(cause)) return 'the file is missing'
  if (!(cause instanceof z.ZodError)) return messageOf(cause).split('\n')[0] ?? ''
  const [issue] = cause.issues
  return issue === undefined ? 'it is no record' : [issue.path.join('.'), issue.message].filter(Boolean).join(': ')
}

function eventsIn(text: string): z.infer<typeof eventSchema>[] {
  const lines = text.split('\n').flatMap((line, i) => (line === '' ? [] : [{ line, number: i + 1 }]))
  // The process, or the disk, may have ended in the middle of a line: the last one, or the last before it went on.
  let mayBeTorn = true
  const events = lines.toReversed().flatMap(({ line, number }) => {
    try {
      const value = parsed(line, mayBeTorn)
      if (value === null) return []
      const event = eventSchema.parse(value)
      mayBeTorn = event.type === 'resumed' || event.type === 'torn'
      return [event]
    } catch (cause) {
      throw new LineError(number, cause)
    }
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
