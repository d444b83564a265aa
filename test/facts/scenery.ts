/** Programs of this machine for stages. Each is copied once, not once a stage: a stage gets a hard link to the copy. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const COPIES = fileURLToPath(new URL('../../node_modules/.ctfix-scenery', import.meta.url))
const TEMPORARY = `.${process.pid}`

/** Path of a program on this machine; throws with its name, so that a shell that is missing fails a test by name. */
export function which(name: string): string {
  const found = ['/usr/bin', '/bin', '/usr/sbin'].map(directory => join(directory, name)).find(existsSync)
  if (found === undefined) throw new Error(`${name} is not installed: apt-get install dash busybox-static bash mksh`)
  return found
}

const libraries = new Map<string, ReadonlySet<string>>()

/** What programs load besides themselves. */
export function librariesOf(programs: readonly string[]): ReadonlySet<string> {
  const key = programs.join(' ')
  const known = libraries.get(key)
  if (known) return known
  const found = new Set(spawnSync('ldd', programs, { encoding: 'utf8' }).stdout.match(/\/lib\S*\.so\S*/g) ?? [])
  libraries.set(key, found)
  return found
}

/** Puts a file of this machine at a place of a stage. */
export function place(original: string, at: string): void {
  mkdirSync(dirname(at), { recursive: true })
  const copy = copyOf(original)
  try {
    linkSync(copy, at)
  } catch {
    // Stages may lie in another file system.
    copyFileSync(copy, at)
  }
}

const copies = new Map<string, string>()

function copyOf(original: string): string {
  const known = copies.get(original)
  if (known) return known
  const copy = join(COPIES, original)
  const { size, mtime } = statSync(original)
  const there = statSync(copy, { throwIfNoEntry: false })
  // It is another one's where the program was updated since, or a stage wrote into it.
  if (there?.size !== size || there.mtime.getTime() !== mtime.getTime()) {
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(original, copy + TEMPORARY)
    utimesSync(copy + TEMPORARY, mtime, mtime)
    renameSync(copy + TEMPORARY, copy)
  }
  copies.set(original, copy)
  return copy
}
