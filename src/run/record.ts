/**
 * The controller's record of a run: `<state>/runs/<run>/`. Intent is written before a host is touched, the outcome
 * after, one JSON object a line, so that whatever happens to this process the record says how far it came.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'
import type { Event } from './events.ts'
import { holdRecord } from './record-lock.ts'

export interface Record {
  readonly directory: string
  /** Takes every event; keeps what a reader of the record needs. Throws only for a change that cannot be written down. */
  readonly write: (event: Event) => void
  /** Writes the final document and closes. Returns why the record is incomplete, or null. */
  readonly close: (result: unknown) => string | null
}

/** Where the records of runs are. */
export function runsDirectory(stateDir: string): string {
  return join(stateDir, 'runs')
}

/** Opens the record of a run. Throws ConfigError before any host is touched when it cannot be written. */
export function openRecord(stateDir: string, run: string, header: object): Record {
  const directory = join(runsDirectory(stateDir), run)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const file = openSync(join(directory, 'run.json'), 'wx', 0o600)
    writeFileSync(file, `${JSON.stringify({ run, ...header }, null, 2)}\n`)
    fsyncSync(file)
    closeSync(file)
    const events = openSync(join(directory, 'events.ndjson'), 'a', 0o600)
    syncDirectory(directory)
    return recordIn(directory, events, holdRecord(directory))
  } catch (cause) {
    throw cannotWrite(directory, cause, 'choose another place with --state-dir')
  }
}

/** Opens the record of a run that was broken off, to go on with it. */
export function reopenRecord(stateDir: string, run: string): Record {
  const directory = join(runsDirectory(stateDir), run)
  const hold = holdRecord(directory)
  try {
    const path = join(directory, 'events.ndjson')
    const torn = existsSync(path) && /[^\n]$/.test(readFileSync(path, 'utf8'))
    const events = openSync(path, 'a', 0o600)
    // The line in which the process before ended stays what it is: no whole line.
    if (torn) writeSync(events, '\n')
    append(events, { type: 'resumed' })
    return recordIn(directory, events, hold)
  } catch (cause) {
    throw cannotWrite(directory, cause)
  }
}

function cannotWrite(file: string, cause: unknown, hint?: string): ConfigError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ConfigError(`cannot write the run record: ${reason}`, { cause, hint, place: { file } })
}

/** A file that was made is on disk only when its directory is. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

/** Whole, or an error: a bare write may stop in the middle of a line. */
function append(file: number, value: object): void {
  appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...value })}\n`)
}

function recordIn(directory: string, file: number, hold: Disposable): Record {
  let broken: string | null = null
  let torn = false
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
        if (torn) {
          // What may be half a line ends here; a reader then knows not to believe it.
          writeSync(file, '\n')
          append(file, { type: 'resumed' })
        }
        torn = true
        append(file, event.type === 'outcome' ? { type: 'outcome', ...brief(event.outcome) } : event)
        torn = false
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
      using _hold = hold
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
function brief({ host, status, cause, checks, error, digest }: Extract<Event, { type: 'outcome' }>['outcome']): object {
  return { host, status, cause, checks, error, digest }
}
