/** The program that looks at a host, and the words it is started with. */
import { readFileSync } from 'node:fs'
import { quote } from '../lang/sh.ts'

const remote = (name: string): string => readFileSync(new URL(`./remote/${name}`, import.meta.url), 'utf8')
const PROGRAM = remote('probe.sh')
const TRACKING = remote('tracking.sh')
const CENSUS = remote('census.sh')

/**
 * What to send to `/bin/sh -s --`: the program on stdin, and its arguments as finished sh words, to be joined by blanks.
 * The last word is not a value but `"$SSH_CONNECTION"`, for the login shell to fill in: sudo keeps the variable from the
 * program. Where the words are quoted once more on their way it arrives empty, and the program asks its parents instead.
 */
export function probeProgram(options: {
  nonce: string
  windowSeconds?: number
  states?: boolean
  ruleset?: boolean
  tracking?: boolean
  census?: boolean
  /** Read the kernel log; default true. */
  log?: boolean
  flows?: string
}): { stdin: string; args: readonly string[] } {
  const { nonce, windowSeconds = 0, states = false, ruleset = false, tracking = false, census = false } = options
  const { log = true, flows = '' } = options
  const seconds = String(Math.max(0, Math.ceil(windowSeconds)))
  const asked = [states, ruleset, tracking, census, log].map(wanted => (wanted ? '1' : '0'))
  const stdin = [...(tracking ? [TRACKING] : []), ...(census ? [CENSUS] : []), PROGRAM].join('\n')
  return { stdin, args: [quote(nonce), seconds, ...asked, quote(flows), '"$SSH_CONNECTION"'] }
}
