/**
 * What the lab builds once and keeps: kernels, the root file system, disks, snapshots. An entry is a directory named
 * after its content's recipe; it is there completely or not at all, however many processes build or die at once.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { childEnvironment, run } from './host.ts'

/** An entry of an older recipe goes when nobody has used it for this long: another checkout may still want it. */
const KEEP_OLD_MS = 24 * 3600_000

export function cacheDirectory(...parts: readonly string[]): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(base, 'ctfix-lab', 'vm', ...parts)
}

export interface Recipe {
  readonly name: string
  /** Everything that makes a difference to the result: source texts, other entries, versions. */
  readonly ingredients: readonly string[]
  /** Fills the empty directory. Whatever it throws leaves no trace. */
  build(directory: string): Promise<void>
}

/** Texts of files beside this one, as ingredients: whoever edits a recipe gets a new entry without thinking of it. */
export function sourceTexts(...files: readonly string[]): Promise<string[]> {
  return Promise.all(files.map(file => readFile(new URL(file, import.meta.url), 'utf8')))
}

/** The directory of the recipe's result, built now if need be. */
export async function cached(recipe: Recipe): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(recipe.ingredients)).digest('hex').slice(0, 16)
  const directory = cacheDirectory(`${recipe.name}-${key}`)
  if (await markUsed(directory)) return directory
  await mkdir(cacheDirectory(), { recursive: true, mode: 0o700 })
  await using _lock = await takeLock(recipe.name)
  if (await markUsed(directory)) return directory
  await sweep(recipe.name, directory)
  const part = `${directory}.part-${process.pid}`
  await mkdir(part, { mode: 0o700 })
  try {
    await recipe.build(part)
    await rename(part, directory)
  } catch (error) {
    await removeTree(part)
    throw error
  }
  return directory
}

/** A build that was killed half-way may have left a mount behind: never delete across one. */
export async function removeTree(path: string): Promise<void> {
  await run(['rm', '-rf', '--one-file-system', '--', path])
}

async function markUsed(directory: string): Promise<boolean> {
  try {
    const now = new Date()
    await utimes(directory, now, now)
    return true
  } catch {
    return false
  }
}

/** With the lock held nobody else builds this name, so every unfinished directory of it is a dead one. */
async function sweep(name: string, current: string): Promise<void> {
  for (const entry of await readdir(cacheDirectory())) {
    const match = /^(.*)-[0-9a-f]{16}(\.part-\d+)?$/.exec(entry)
    const path = cacheDirectory(entry)
    if (match?.[1] !== name || path === current) continue
    const isOld = Date.now() - (await stat(path)).mtimeMs > KEEP_OLD_MS
    // Its builder may be dying just now and still write; what cannot be removed yet goes the next time.
    if (match[2] !== undefined || isOld) await removeTree(path).catch(() => undefined)
  }
}

/**
 * Node has no flock, so a child holds it: it prints a line once it has the lock and ends when its stdin does,
 * which the kernel sees to even if this process is killed.
 */
export async function takeLock(name: string): Promise<AsyncDisposable> {
  const argv = ['-x', cacheDirectory(`${name}.lock`), 'sh', '-c', 'echo locked; cat >/dev/null']
  const holder = spawn('flock', argv, { env: childEnvironment() })
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve())
    holder.once('error', reject)
    holder.once('exit', code => reject(new Error(`flock on ${name} ended with ${code}`)))
  })
  return { [Symbol.asyncDispose]: () => release(holder) }
}

function release(holder: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise(resolve => {
    holder.removeAllListeners('exit')
    holder.once('exit', () => resolve())
    holder.stdin.end()
  })
}
