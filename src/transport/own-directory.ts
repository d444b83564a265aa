/** Directories of this machine that only we look into. */
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../errors.ts'

/**
 * Makes a directory (0700) and those above it where they are missing; one that is there stays as it is. Throws the
 * system's error. Node's own way of making several goes on forever where nothing can be made, as below /proc.
 */
export function makeOwnDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const code = codeOf(error)
    if (isDirectory(path)) return
    const above = dirname(path)
    if (code !== 'ENOENT' || above === path || isDirectory(above)) throw error
    makeOwnDirectory(above)
    makeOwnDirectory(path)
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
