/** Disks of a simulated host that fill up, or turn read-only as ext4 does after an error. Needs root, for mount. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FakeHost } from '../simulated/debian.ts'

export interface Disk extends Disposable {
  fill(): void
  makeReadOnly(): void
  heal(): void
}

/** Where boot reads from, and where runs are kept: on most hosts one file system. */
const DISKS = ['etc', 'var/lib']
const SIZE = '512k'
/** Counts as one of ctfix's own for who compares trees. */
const FILLER = { etc: 'etc/ctfix-filler', 'var/lib': 'var/lib/ctfix-filler' }

const mount = (...words: readonly string[]): void => {
  execFileSync('mount', words, { stdio: 'pipe' })
}
const unmount = (path: string): void => {
  // Busy or not: who holds something open there keeps it, and the name is free.
  execFileSync('umount', ['-l', path], { stdio: 'pipe' })
}

/** Puts disks of its own under the directories that ctfix writes to. */
export function smallDisk({ root }: FakeHost): Disk {
  const mounted: string[] = []
  for (const place of DISKS) {
    const path = join(root, place)
    const aside = mkdtempSync(join(tmpdir(), 'ctfix-aside-'))
    cpSync(path, aside, { recursive: true, verbatimSymlinks: true })
    mount('-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'tmpfs', path)
    mounted.push(path)
    cpSync(aside, path, { recursive: true, verbatimSymlinks: true })
    rmSync(aside, { recursive: true })
  }
  let covers: string[] = []
  const heal = (): void => {
    for (const path of covers) unmount(path)
    covers = []
    for (const filler of Object.values(FILLER)) rmSync(join(root, filler), { force: true })
  }
  return {
    fill() {
      for (const filler of Object.values(FILLER)) fillUp(join(root, filler))
    },
    makeReadOnly() {
      for (const path of mounted) {
        // A mount over it: files that are open for writing would forbid a remount.
        mount('--bind', path, path)
        covers.push(path)
        mount('-o', 'remount,bind,ro', path)
      }
    },
    heal,
    [Symbol.dispose]() {
      heal()
      for (const path of mounted) unmount(path)
    },
  }
}

function fillUp(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(4 * 1024 * 1024))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
    throw error
  }
  throw new Error(`${path}: that disk cannot be filled`)
}

/** Makes one file readable only, for everybody; as kernel values are that somebody locked. */
export function readOnly({ root }: FakeHost, file: string): Disposable {
  const path = join(root, file)
  mount('--bind', path, path)
  mount('-o', 'remount,bind,ro', path)
  return { [Symbol.dispose]: () => unmount(path) }
}
