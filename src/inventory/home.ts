/** Paths as a shell would have them. */
import { homedir } from 'node:os'

/** `~/x` in the home directory of who runs this; any other path as it is. */
export function underHome(path: string): string {
  return path.startsWith('~/') ? homedir() + path.slice(1) : path
}
