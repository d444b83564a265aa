/** The program that reads a table again and again, and the words it is started with. */
import { readFileSync } from 'node:fs'
import { sh } from '../lang/sh.ts'

let program: string | undefined

/** What to send. `newest`: the newest table-full line known, in seconds since boot; those up to it are not told again. */
export function watchProgram(nonce: string, newest: number): { readonly command: string; readonly stdin: string } {
  program ??= readFileSync(new URL('./remote/watch.sh', import.meta.url), 'utf8')
  return { command: sh`/bin/sh -s -- ${nonce} ${newest.toFixed(6)}`.text, stdin: program }
}

/** What it is told: to look, and now and then at the kernel's log, too. */
export const QUESTION = { look: 'look\n', log: 'log\n' } as const
