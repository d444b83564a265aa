/** A place in a script where it stands still until the test lets it go on: an event, where others would sleep. */
import { spawnSync } from 'node:child_process'
import { openSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { quote } from '../../src/lang/sh.ts'

export interface Gate {
  /** What goes into the script. */
  readonly script: string
  /** Resolves when it stands there. */
  readonly reached: () => Promise<void>
  /** Lets it go on, and whoever comes by later. */
  readonly open: () => void
}

/** `path` and names beside it must be free. */
export function gate(path: string): Gate {
  const [came, go] = [`${path}.came`, `${path}.go`]
  const made = spawnSync('mkfifo', [came, go], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
  return {
    script: `[ -e ${quote(`${path}.open`)} ] || { echo >${quote(came)}; read -r _ <${quote(go)}; };`,
    reached: async () => void (await readFile(came)),
    open: () => {
      writeFileSync(`${path}.open`, '')
      // Open for both, so that this waits for nobody; left open, so that what is written stays until it is read.
      writeFileSync(openSync(go, 'r+'), '\n')
    },
  }
}
