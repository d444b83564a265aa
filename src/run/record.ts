/**
 * The controller's record of a run: `<state>/runs/<run>/`. Intent is written before a host is touched, the outcome
 * after, one JSON object a line, so that whatever happens to this process the record says how far it came.
 */

import {
  appendFileSync,
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError, messageOf } from '../errors.ts'
import { makeOwnDirectory } from '../transport/own-directory.ts'
import type { Event } from './events.ts'
import { numbersOf } from './numbers.ts'
import { holdRecord } from './record-lock.ts'
import { forgetResult, writeResult } from './result-file.ts'
import { discard } from './saved-file.ts'
import { sharedSync } from './shared-sync.ts'

export interface Record {
  readonly directory: string
  /** Takes every event; keeps what a reader of the record needs. */
  readonly write: (event: Event) => void
  /** Resolves once all that was written is on disk, to null or where it is not, and why. */
  readonly committed: () => Promise<string | null>
  /** Writes the final document, piece by piece, and closes. Resolves to why the record is incomplete, or null. */
  readonly close: (result: Iterable<string>) => Promise<string | null>
}

/** Where the records of runs are. */
export function runsDirectory(stateDir: string): string {
  return join(stateDir, 'runs')
}

/** Opens the record of a run. Throws ConfigError before any host is touched when it cannot be written. */
export function openRecord(stateDir: string, run: string, header: object): Record {
  const runs = runsDirectory(stateDir)
  const directory = join(runs, run)
  const isNew = !existsSync(directory)
  try {
    makeOwnDirectory(directory)
    const file = openSync(join(directory, 'run.json'), 'wx', 0o600)
    writeFileSync(file, `${JSON.stringify({ run, ...header }, null, 2)}\n`)
    fsyncSync(file)
    closeSync(file)
    const events = openSync(join(directory, 'events.ndjson'), 'a', 0o600)
    for (const made of [directory, runs, stateDir]) syncDirectory(made)
    return recordIn(directory, events, holdRecord(directory))
  } catch (cause) {
    // Half a record is none, and nobody could read it.
    if (isNew) discard(directory)
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
    forgetResult(directory)
    return recordIn(directory, events, hold)
  } catch (cause) {
    hold[Symbol.dispose]()
    throw cannotWrite(directory, cause)
  }
}

function cannotWrite(file: string, cause: unknown, hint?: string): ConfigError {
  return new ConfigError(`cannot write the run record: ${messageOf(cause)}`, { cause, hint, place: { file } })
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
  const failed = (cause: unknown): string => {
    broken ??= messageOf(cause)
    return broken
  }
  const sync = sharedSync(() => promisify(fsync)(file))
  const synced = (): Promise<string | null> => sync().then(() => broken, failed)
  const committed = async (): Promise<string | null> => {
    const why = await synced()
    return why === null ? null : `${directory}: ${why}`
  }
  return {
    directory,
    committed,
    write(event) {
      if (event.type === 'phase') return
      try {
        // What may be half a line ends here; a reader then knows not to believe it.
        if (torn) appendFileSync(file, `\n${JSON.stringify({ type: 'torn' })}\n`)
        torn = true
        append(file, event.type === 'outcome' ? { type: 'outcome', ...brief(event.outcome) } : event)
        torn = false
      } catch (cause) {
        failed(cause)
      }
      // Of who is skipped nothing was done. Who told of an intent waits for the same sync.
      if (event.type !== 'planned' && !isSkipped(event)) void synced()
    },
    async close(result) {
      using _hold = hold
      try {
        fsyncSync(file)
        await writeResult(directory, result)
      } catch (cause) {
        failed(cause)
      }
      // One that is under way still has the file.
      await synced()
      closeSync(file)
      return broken
    },
  }
}

function isSkipped(event: Event): boolean {
  return event.type === 'outcome' && event.outcome.status === 'skipped'
}

/** Facts are large; the event line keeps the verdict, and the few numbers that people ask for later. */
function brief(outcome: Extract<Event, { type: 'outcome' }>['outcome']): object {
  const { host, status, cause, checks, error, digest, facts, elapsedMs } = outcome
  return { host, status, cause, checks, error, digest, elapsedMs, numbers: facts && numbersOf(facts) }
}
