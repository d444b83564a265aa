/** How an apply ended, and what an exit code of the scripts on the host means for that. */
import { CommandError, ConnectError, messageOf } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { lastLine } from '../lang/text.ts'
import type { Check } from './checks.ts'
import { REMOTE } from './codes.ts'
import type { Cause, Status } from './status.ts'

export interface Applied {
  readonly status: Status
  readonly cause?: Cause
  readonly facts: Facts | null
  readonly checks: readonly Check[]
  readonly error: { readonly message: string; readonly hint: string | null } | null
  /** What the host says its targets are now, as one digest; null when it was not asked, or said nothing. */
  readonly digest?: string | null
}

/** The part of it that an exit code tells. */
export type Verdict = Pick<Applied, 'status' | 'cause' | 'error'>

/** What the exit code of `start` or `keep` means when it is not 0. */
export function verdictOf(exitCode: number, stderr: string, runDir: string): Verdict {
  const said = lastLine(stderr).replace(/^ctfix: /, '')
  const error = (text: string, hint: string | null = null): Verdict['error'] => ({
    message: said === '' ? text : `${text}: ${said}`,
    hint,
  })
  const look = `on the host: see ${runDir}/log and undo.sh there`
  switch (exitCode) {
    case REMOTE.stale:
      return { status: 'failed', cause: 'stale', error: error('the host changed since the plan was made') }
    case REMOTE.notStaged:
    case REMOTE.notArmed:
      return { status: 'failed', error: error('nothing was changed') }
    case REMOTE.locked:
      return { status: 'blocked', cause: 'locked', error: error('nothing was changed') }
    case REMOTE.untouched:
      return { status: 'unknown', error: error('the host has no record of the change any more', look) }
    case REMOTE.undone:
      return { status: 'rolled-back', error: error('a change failed and all was taken back') }
    case REMOTE.expired:
      return { status: 'rolled-back', error: error('not confirmed in time: the guard took all of it back') }
    case REMOTE.undoFailed:
      return { status: 'rollback-failed', error: error('a change failed, and so did taking it back', look) }
    default:
      return { status: 'unknown', error: error(`the change ended with exit code ${exitCode}`, look) }
  }
}

/** The command was never on its way, or never begun: the host is as it was. */
export function isUnsent(error: unknown): error is ConnectError | CommandError {
  if (error instanceof CommandError) return !error.begun
  return error instanceof ConnectError && (error.reason === 'closed' || error.reason === 'protocol')
}

/** Nobody could be asked: what the host made of it is not known, and a person has to look. */
export function lostOutcome(host: string, error: unknown, runDir: string): Applied {
  const hint = `look with: ctfix facts --limit ${host}; on the host: sh ${runDir}/guard.sh status ${runDir}`
  return { status: 'unknown', facts: null, checks: [], error: { message: messageOf(error), hint } }
}
