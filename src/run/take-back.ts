/** Taking a host back: asked over whatever connection answers, as often as it takes; the host says how it ended. */
import { messageOf } from '../errors.ts'
import { lastLine } from '../lang/text.ts'
import { revertProgram } from '../plan/programs.ts'
import type { Connection } from '../transport/connection.ts'
import { type Applied, lostOutcome } from './applied.ts'
import type { Check } from './checks.ts'
import { REMOTE } from './codes.ts'
import { intend } from './intent.ts'
import { persevere } from './persevere.ts'
import type { Tools } from './tools.ts'
import type { Undertaking } from './undertaking.ts'

/** Undoing is as much work as doing, and it may have to wait for a script that is under way. */
const REVERT_DEADLINE_MS = 240_000

/** Has the host take this run back, or hears that its guard did. `why` is said in the outcome. */
export async function takeBack(
  { host, runDir, facts, untilMs }: Undertaking,
  connections: readonly Connection[],
  checks: readonly Check[],
  why: string,
  tools: Tools,
): Promise<Applied> {
  await intend({ host: host.name, step: 'undo', runDir }, tools)
  try {
    return await persevere(host, connections, untilMs, tools, async connection => {
      const stdin = revertProgram(runDir)
      const said = await connection.exec('/bin/sh -s', { stdin, deadlineMs: REVERT_DEADLINE_MS })
      return { facts, checks, digest: said.stdout.trim() || null, ...ending(said.exitCode, said.stderr, why, runDir) }
    })
  } catch (error) {
    const left = 'its guard takes it back by itself unless it was confirmed, which could not be seen'
    return { ...lostOutcome(host.name, new Error(`${why}; ${left}: ${messageOf(error)}`), runDir), facts, checks }
  }
}

function ending(exitCode: number, stderr: string, why: string, runDir: string): Pick<Applied, 'status' | 'error'> {
  switch (exitCode) {
    case REMOTE.ok:
      return { status: 'rolled-back', error: { message: why, hint: null } }
    case REMOTE.untouched:
      return { status: 'failed', error: { message: `nothing was changed: ${why}`, hint: null } }
    case REMOTE.undoFailed: {
      const message = `${why}; taking it back failed: ${lastLine(stderr)}`
      return { status: 'rollback-failed', error: { message, hint: `on the host: see ${runDir}/log` } }
    }
    case REMOTE.locked: {
      const message = `${why}; not taken back, for another run holds the host by now: ${lastLine(stderr)}`
      return { status: 'rollback-failed', error: { message, hint: `on the host: see ${runDir}/log` } }
    }
    default: {
      const message = `${why}; taking it back ended with exit code ${exitCode}: ${lastLine(stderr)}`
      return { status: 'unknown', error: { message, hint: `on the host: see ${runDir}/log` } }
    }
  }
}
