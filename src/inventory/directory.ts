/** Directories a user named. */
import { readdirSync, statSync } from 'node:fs'
import { ConfigError } from '../errors.ts'

/** Deeper than anybody sorts an inventory; a circle of links must not be walked for ever. */
const MAX_DEPTH = 20

/** False also for what is not there, or may not be looked at: whoever reads it says why. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** The names in a directory, sorted as Ansible sorts them. Throws ConfigError. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an unknown error'
    const got = code === 'EACCES' ? 'one closed to this user' : code
    throw new ConfigError(`expected a directory that can be read, got ${got}`, {
      place: { file: directory },
      cause: error,
    })
  }
}

/** Throws ConfigError for a directory too far below the one that was named. */
export function refuseDeep(directory: string, depth: number): void {
  if (depth <= MAX_DEPTH) return
  throw new ConfigError(`expected at most ${MAX_DEPTH} directories inside each other, got more`, {
    place: { file: directory },
  })
}
