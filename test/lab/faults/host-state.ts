/** What a host has come to, as somebody sees it who stands beside it. */
import { globSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type FakeHost, withoutRuns } from '../simulated/debian.ts'

export type Tree = Readonly<Record<string, string>>

const RUNS = 'var/lib/ctfix'

/** Between two looks at a process table, which tells nobody when it changes. */
const LOOK_MS = 100

/**
 * All that a person would call the host, without what ctfix keeps for itself. `beside`: with what was written beside a file
 * and not put in its place, which a disk that takes no more writes keeps for a while.
 */
export function scenery(host: FakeHost, { beside = true }: { readonly beside?: boolean } = {}): Tree {
  const isSeen = (path: string): boolean => !path.startsWith('/etc/ctfix-') && (beside || !path.endsWith('.ctfix-new'))
  return Object.fromEntries(Object.entries(withoutRuns(host.tree())).filter(([path]) => isSeen(path)))
}

/** What a change makes of a host, by path: null where something goes. */
export type Cure = ReadonlyMap<string, string | null>

/** What differs from one tree to another. */
export function changesIn(before: Tree, now: Tree): Cure {
  const paths = new Set([...Object.keys(before), ...Object.keys(now)])
  return new Map([...paths].filter(path => before[path] !== now[path]).map(path => [path, now[path] ?? null]))
}

export type Side = 'before' | 'after' | 'between'

export function sideOf(before: Tree, now: Tree, cure: Cure): Side {
  const changed = changesIn(before, now)
  if (changed.size === 0) return 'before'
  const isCured = changed.size === cure.size && [...cure].every(([path, is]) => changed.get(path) === is)
  return isCured ? 'after' : 'between'
}

/** For a person. */
export function differences(before: Tree, now: Tree): string {
  return [...changesIn(before, now)].map(([path, is]) => `${path}: ${is?.slice(0, 60) ?? 'gone'}`).join('; ')
}

/** What of ctfix would keep another run off the host: a change that has not ended. */
export function unfinishedOn({ root }: FakeHost): string[] {
  return globSync(join(root, RUNS, '*/{armed,confirmed,reverting}')).map(path => path.slice(root.length))
}

/** What its runs wrote down. */
export function logsOf({ root }: FakeHost): string {
  return globSync(join(root, RUNS, '*/log'))
    .map(path => `${path.slice(root.length)}:\n${readFileSync(path, 'utf8')}`)
    .join('')
}

/** Whose root is the host's. */
function processesOn({ root }: FakeHost): number[] {
  return globSync('/proc/[0-9]*/root').flatMap(link => {
    try {
      return readlinkSync(link) === root ? [Number(link.split('/')[2])] : []
    } catch {
      return []
    }
  })
}

/** The process that waits to take the host back. */
export function timerOn({ root }: FakeHost): number {
  const [timer = ''] = globSync(join(root, RUNS, '*/timer'))
  const [, pid] = /^process (\d+)$/m.exec(readFileSync(timer, 'utf8')) ?? []
  if (pid === undefined) throw new Error(`${timer} names no process`)
  return Number(pid)
}

/** Resolves when nothing of ctfix is at work on the host any more; false when that does not happen in time. */
export async function comesToRest(host: FakeHost, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs
  // A process that begins while another ends may be missed by one look, but not by two.
  for (let quiet = 0; quiet < 2; ) {
    quiet = processesOn(host).length > 0 ? 0 : quiet + 1
    if (performance.now() > end) return false
    await delay(LOOK_MS)
  }
  return true
}
