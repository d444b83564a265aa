/** How a host came out, and what that means for the exit code. */
import { EXIT, type ExitCode } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import type { Plan } from '../plan/plan.ts'
import type { Check } from './checks.ts'
import type { Probed } from './outside/probed.ts'

export type Status =
  | 'ok'
  | 'would-change'
  | 'changed'
  | 'blocked'
  | 'skipped'
  | 'unreachable'
  | 'failed'
  | 'rolled-back'
  | 'rollback-failed'
  | 'unknown'

/** All statuses, in the order of a recap: problems last, the worst at the very end. */
export const STATUSES = [
  'ok',
  'changed',
  'would-change',
  'skipped',
  'blocked',
  'unreachable',
  'failed',
  'rolled-back',
  'rollback-failed',
  'unknown',
] as const satisfies readonly Status[]

/** Why a host has its status, where the status alone says too little for the exit code. */
export type Cause = 'stale' | 'interrupted' | 'excluded' | 'locked' | 'budget'

export interface Outcome {
  readonly host: string
  readonly status: Status
  readonly cause: Cause | null
  readonly facts: Facts | null
  readonly plan: Plan | null
  readonly checks: readonly Check[]
  readonly error: { readonly message: string; readonly hint: string | null } | null
  /** What the host says its targets are at the end of a change, as one digest: equal is equal to the byte. */
  readonly digest: string | null
  /** What was measured from outside; missing: nothing was asked for. */
  readonly probes?: readonly Probed[]
  /** From the first attempt to connect until this outcome. */
  readonly elapsedMs: number
}

/** Exit codes from the worst to the best: when several hold, the first of them is the run's. */
const WORST_FIRST: readonly ExitCode[] = [
  EXIT.needsPerson,
  EXIT.rolledBack,
  EXIT.failed,
  EXIT.blocked,
  EXIT.locked,
  EXIT.stale,
  EXIT.budget,
  EXIT.unreachable,
  EXIT.pending,
  EXIT.ok,
]

/** The exit code of one outcome. `detailed` is --detailed-exitcode: changes pending are then 2. */
export function exitCodeOf(outcome: Pick<Outcome, 'status' | 'cause'>, detailed: boolean): ExitCode {
  switch (outcome.status) {
    case 'ok':
    case 'changed':
      return EXIT.ok
    case 'would-change':
      return detailed ? EXIT.pending : EXIT.ok
    case 'blocked':
      return outcome.cause === 'locked' ? EXIT.locked : EXIT.blocked
    case 'skipped':
      return outcome.cause === 'excluded' ? EXIT.ok : EXIT.budget
    case 'unreachable':
      return EXIT.unreachable
    case 'failed':
      return outcome.cause === 'stale' ? EXIT.stale : EXIT.failed
    case 'rolled-back':
      return EXIT.rolledBack
    case 'rollback-failed':
    case 'unknown':
      return EXIT.needsPerson
    default:
      return outcome.status satisfies never
  }
}

/** The exit code of a run: the worst of its hosts; an interrupted run says so unless a person is needed. */
export function exitCodeOfRun(outcomes: readonly Pick<Outcome, 'status' | 'cause'>[], detailed: boolean): ExitCode {
  const codes = new Set(outcomes.map(outcome => exitCodeOf(outcome, detailed)))
  if (outcomes.some(({ cause }) => cause === 'interrupted') && !codes.has(EXIT.needsPerson)) return EXIT.interrupted
  return WORST_FIRST.find(code => codes.has(code)) ?? EXIT.ok
}
