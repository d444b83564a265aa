/** What the labs keep between runs: images, keys, and the marks by which a crashed run is cleaned up. */

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from './exec.ts'

export function cacheDir(...parts: readonly string[]): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const dir = join(base, 'ctfix-lab', ...parts)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return dir
}

/** Pid and start time: a pid alone may by now belong to somebody else, who must not be killed for it. */
export interface ProcessId {
  readonly pid: number
  readonly start: string
}

export function processId(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold blanks and brackets; the fixed fields begin behind its last bracket. State is field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined
    return { pid, start: fields[19] ?? '' }
  } catch {
    return undefined
  }
}

export function isAlive(id: ProcessId): boolean {
  return processId(id.pid)?.start === id.start
}

export function self(): ProcessId {
  const id = processId(process.pid)
  if (id === undefined) throw new Error('the labs need /proc of Linux')
  return id
}

/** Ends one process by its id and waits until it is gone; true when it is. */
export async function endProcess(id: ProcessId, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs
  if (!isAlive(id)) return true
  try {
    process.kill(id.pid, signal)
  } catch {
    return !isAlive(id)
  }
  while (isAlive(id)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** Whole or not at all, also when the process dies half way. */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, text, { mode })
  renameSync(temporary, path)
}

function ownerOf(path: string): ProcessId | undefined {
  try {
    const [pid = '', start = ''] = readFileSync(path, 'utf8').split(' ')
    return { pid: Number(pid), start }
  } catch {
    return undefined
  }
}

/** One process at a time; a lock whose owner is dead is taken over. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = join(cacheDir('locks'), name)
  const me = self()
  const deadline = Date.now() + 15 * 60_000
  for (;;) {
    try {
      writeFileSync(path, `${me.pid} ${me.start}`, { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = ownerOf(path)
    if (owner !== undefined && owner.start !== '' && !isAlive(owner)) {
      // Moved aside first: of two that see the dead owner only one gets the file, the other tries again.
      const aside = `${path}.${process.pid}.stale`
      try {
        renameSync(path, aside)
        rmSync(aside, { force: true })
      } catch {}
      continue
    }
    if (Date.now() > deadline) throw new Error(`the lab lock ${path} is held by process ${owner?.pid}`)
    await sleep(100)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

export interface KeyPair {
  readonly privatePath: string
  readonly privateText: string
  /** `ssh-ed25519 AAAA…`, without a comment. */
  readonly publicText: string
}

/** Keys live as long as the cache: making one is cheap, but a stable one keeps known_hosts of hand-started hosts true. */
export async function keyPair(name: string, type: 'ed25519' | 'rsa' = 'ed25519'): Promise<KeyPair> {
  const path = join(cacheDir('keys'), `${name}_${type}`)
  if (!existsSync(`${path}.pub`)) {
    await withLock(`key-${name}-${type}`, async () => {
      if (existsSync(`${path}.pub`)) return
      rmSync(path, { force: true })
      const size = type === 'rsa' ? ['-b', '2048'] : []
      await must('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', '', '-f', path], { timeoutMs: 30_000 })
      chmodSync(path, 0o600)
    })
  }
  const [algorithm = '', blob = ''] = readFileSync(`${path}.pub`, 'utf8').split(' ')
  return {
    privatePath: path,
    privateText: readFileSync(path, 'utf8'),
    publicText: `${algorithm} ${blob.trim()}`,
  }
}
