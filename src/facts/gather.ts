/** One look at a host: one exec, nothing changed. */
import { randomBytes } from 'node:crypto'
import { CommandError, ProbeError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import type { Connection, ExecResult } from '../transport/connection.ts'
import { runsNothing } from '../transport/login-shell.ts'
import type { Facts } from './facts.ts'
import { type Known, parseProbe } from './parse.ts'
import { probeProgram } from './probe.ts'

export interface GatherOptions {
  /** Watch counters and log for so long before the look; 0 = do not. */
  readonly windowSeconds?: number
  /** Count live entries by state. */
  readonly states?: boolean
  /** Read every live rule, for a plan that changes rules. */
  readonly ruleset?: boolean
  /** Look for what holds conntrack and what brings it back at boot; listing the image of boot may take 20 s. */
  readonly tracking?: boolean
  /** Count who fills the table; it is read for that, at most 200,000 rows or 8 s. */
  readonly census?: boolean
  /** Count live entries of these flows (`run/flows.ts` spells them); the table is read for that. */
  readonly flows?: string
  /** sh that shows what single targets are, a frame `look N` each, in the same exec before the look. */
  readonly looks?: (nonce: string) => string
  /** sh to run in the same exec before the look; it may print a frame of its own with the nonce. */
  readonly prelude?: { readonly text: (nonce: string) => string; readonly deadlineMs: number }
  /** Of a look at this host a moment ago: neither the log nor states are looked at again. */
  readonly known?: Known
  readonly signal?: AbortSignal | undefined
}

/** Seconds a probe may take beyond its window: on a loaded host a look through many files takes its time. */
const PROBE_SECONDS = 60

/** Runs the probe and returns the raw output with its nonce, for who has a frame of its own in it. */
export async function runProbe(
  connection: Connection,
  options: GatherOptions = {},
): Promise<{ readonly nonce: string; readonly stdout: string }> {
  const {
    windowSeconds = 0,
    states = false,
    ruleset = false,
    tracking = false,
    census = false,
    flows = '',
    prelude,
    looks,
    known,
    signal,
  } = options
  const nonce = randomBytes(8).toString('hex')
  const asked = { states: states && !known, ruleset, tracking, census, log: !known, flows }
  const program = probeProgram({ nonce, windowSeconds, ...asked })
  const result = await connection.exec(['/bin/sh -s --', ...program.args].join(' '), {
    stdin: (prelude?.text(nonce) ?? '') + (looks?.(nonce) ?? '') + program.stdin,
    deadlineMs: (windowSeconds + PROBE_SECONDS) * 1000 + (prelude?.deadlineMs ?? 0),
    ...(signal ? { signal } : {}),
  })
  if (result.exitCode !== 0) throw probeFailed(connection.host, result, nonce)
  return { nonce, stdout: result.stdout }
}

/** Gathers the facts of a host. Rejects with ConnectError, CommandError or ProbeError. */
export async function gatherFacts(connection: Connection, options: GatherOptions = {}): Promise<Facts> {
  const { nonce, stdout } = await runProbe(connection, options)
  return parseProbe(connection.host.name, stdout, nonce, options.known)
}

function probeFailed(host: Host, result: ExecResult, nonce: string): Error {
  const { name, user, become } = host
  // 126 and 127 are the shell's own: there is no /bin/sh, or it may not be run.
  const isAboutSh = result.stderr.trim() === '' || result.stderr.includes('/bin/sh')
  if ((result.exitCode === 126 || result.exitCode === 127) && isAboutSh) {
    const hint = 'ctfix needs a POSIX sh on the host, and a login shell that starts it'
    return new CommandError(name, `${name}: no /bin/sh to run: ${lastLine(result.stderr)}`, result, { hint })
  }
  // Its first word is the nonce. nologin and the like say why on stdout; who became root there has a shell that runs.
  if (!result.stdout.includes(nonce) && (become === null || become.user === user)) return runsNothing(host, result)
  return new ProbeError(name, `${name}: the probe ended with exit code ${result.exitCode}: ${lastLine(result.stderr)}`)
}
