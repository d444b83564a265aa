/** What came of a run later: other records here say that it was taken back, its own that it was gone on with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runsDirectory } from './record.ts'
import { listRuns, type RecordedRun, readRun } from './recorded.ts'
import { summarizeRun } from './run-summary.ts'

/** A rollback of the run, as far as it came. */
export interface TakenBack {
  readonly run: string
  readonly at: string | null
  readonly who: string | null
  /** Hosts on which nothing of the run is left. */
  readonly hosts: readonly string[]
  /** Hosts it was about as well, of which it cannot say so. */
  readonly notBack: readonly string[]
}

/** Every rollback of it that has a record here, the oldest first. */
export function takenBackBy(stateDir: string, run: string): TakenBack[] {
  return listRuns(stateDir)
    .filter(id => mentions(stateDir, id, run))
    .flatMap(id => {
      const rollback = readable(stateDir, id)
      return rollback?.of === run ? [takenBack(stateDir, rollback)] : []
    })
}

/** Hosts on which nothing of a run is left, by what its rollbacks say. */
export function hostsBack(rollbacks: readonly TakenBack[]): ReadonlySet<string> {
  return new Set(rollbacks.flatMap(({ hosts }) => hosts))
}

function takenBack(stateDir: string, rollback: RecordedRun): TakenBack {
  const { run, at, who } = rollback
  const undone = hostsBack(takenBackBy(stateDir, run))
  const { hosts } = summarizeRun(rollback)
  const isBack = (one: (typeof hosts)[number]): boolean =>
    (one.state === 'changed' || one.state === 'ok') && !undone.has(one.name)
  const names = (wanted: boolean): string[] => hosts.filter(one => isBack(one) === wanted).map(({ name }) => name)
  return { run, at, who, hosts: names(true), notBack: names(false) }
}

/** Of thousands of runs few are rollbacks of this one: the others need not be read to their end. */
function mentions(stateDir: string, id: string, run: string): boolean {
  try {
    return id !== run && readFileSync(join(runsDirectory(stateDir), id, 'run.json'), 'utf8').includes(run)
  } catch {
    return false
  }
}

/** Null for a record that is none: that is told where somebody asks for it. */
function readable(stateDir: string, id: string): RecordedRun | null {
  try {
    return readRun(stateDir, id)
  } catch {
    return null
  }
}
