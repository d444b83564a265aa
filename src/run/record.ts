/**
 * The controller's record of a run: `<state>/runs/<run>/`. Intent is written before a host is touched, the outcome
 * after, one JSON object a line, so that whatever happens to this process the record says how far it came.
 */
import { appendFileSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, UsageError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import type { Event } from './events.ts'

export interface Record {
  readonly directory: string
  /** Takes every event; keeps what a reader of the record needs. Throws only for a change that cannot be written down. */
  readonly write: (event: Event) => void
  /** Writes the final document and closes. Returns why the record is incomplete, or null. */
  readonly close: (result: unknown) => string | null
}

/** Opens the record of a run. Throws ConfigError before any host is touched when it cannot be written. */
export function openRecord(stateDir: string, run: string, header: object): Record {
  const directory = join(stateDir, 'runs', run)
  let file: number
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, 'run.json'), `${JSON.stringify({ run, ...header }, null, 2)}\n`, { mode: 0o600 })
    file = openSync(join(directory, 'events.ndjson'), 'a', 0o600)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const hint = 'choose another place with --state-dir'
    throw new ConfigError(`cannot write the run record: ${reason}`, { cause, hint, place: { file: directory } })
  }
  const append = (value: object): void => {
    // Whole, or an error: a bare write may stop in the middle of a line.
    appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...value })}\n`)
  }
  let broken: string | null = null
  const orBroken = (work: () => void): void => {
    try {
      work()
    } catch (cause) {
      broken ??= cause instanceof Error ? cause.message : String(cause)
    }
  }
  return {
    directory,
    write(event) {
      if (event.type === 'phase') return
      orBroken(() => {
        append(event.type === 'outcome' ? { type: 'outcome', ...brief(event.outcome) } : event)
        // What is about to happen must be on disk before it does.
        if (event.type !== 'planned') fsyncSync(file)
      })
      // A full disk here stops changes that are not begun; what is begun is proved or taken back without a record.
      if (broken !== null && event.type === 'intent' && event.step === 'apply') {
        throw new ConfigError(`nothing was changed: cannot write the run record: ${broken}`, {
          place: { file: directory },
        })
      }
    },
    close(result) {
      orBroken(() => {
        fsyncSync(file)
        closeSync(file)
        writeFileSync(join(directory, 'result.json'), `${JSON.stringify(result, null, 2)}\n`, { mode: 0o600 })
      })
      return broken
    },
  }
}

/** Facts are large and stand in the result; the event line keeps the verdict. */
function brief({ host, status, cause, checks, error }: Extract<Event, { type: 'outcome' }>['outcome']): object {
  return { host, status, cause, checks, error }
}

/** A last line may be torn: the process, or the disk, ended in the middle of it. */
function parseLine(line: string, isLast: boolean): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (isLast) return null
    throw error
  }
}

export interface RecordedRun {
  readonly strategy: readonly string[]
  /** What was planned for each host, with every `auto` as the number it came to. */
  readonly steps: ReadonlyMap<string, Plan['steps']>
}

const header = z.object({ strategy: z.array(z.string()) })
const plannedLine = z.object({
  type: z.literal('planned'),
  host: z.string(),
  plan: z.object({
    steps: z.array(z.object({ strategy: z.string(), options: z.record(z.string(), z.unknown()) })),
  }),
})

/** Reads a record back. Throws ConfigError when there is none, or it is none of ours. */
export function readRun(stateDir: string, run: string): RecordedRun {
  if (!/^[0-9A-Za-z]{1,64}$/.test(run))
    throw new UsageError(`expected the id of a run (letters and digits), got ${run}`)
  const directory = join(stateDir, 'runs', run)
  try {
    const { strategy } = header.parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')))
    const lines = readFileSync(join(directory, 'events.ndjson'), 'utf8')
      .split('\n')
      .filter(line => line !== '')
    const planned = lines.flatMap(
      (line, i) => plannedLine.safeParse(parseLine(line, i === lines.length - 1)).data ?? [],
    )
    return { strategy, steps: new Map(planned.map(({ host, plan }) => [host, plan.steps])) }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new ConfigError(`cannot read the run record: ${reason}`, { cause, place: { file: directory } })
  }
}
