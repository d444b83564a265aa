/** What the engine tells the world while it works. It prints nothing; views and the record listen. */
import type { Plan } from '../plan/plan.ts'
import type { Numbers } from './numbers.ts'
import type { Probed } from './outside/probed.ts'
import type { Outcome } from './status.ts'

/** The steps a host goes through, in order. */
export const PHASES = ['connect', 'probe', 'apply', 'verify', 'persist'] as const
export type Phase = (typeof PHASES)[number]

export type Event =
  | { readonly type: 'phase'; readonly host: string; readonly phase: Phase }
  /** What the look that it was planned on has counted goes with it. */
  | { readonly type: 'planned'; readonly host: string; readonly plan: Plan; readonly numbers?: Numbers }
  /** Written down before it is done: what will be asked of the host next, and where on it the undo lies. */
  | {
      readonly type: 'intent'
      readonly host: string
      readonly step: 'apply' | 'persist' | 'undo'
      readonly runDir: string
    }
  /** What --probe measured of it, once, at the end. */
  | { readonly type: 'probe'; readonly host: string; readonly probes: readonly Probed[] }
  | { readonly type: 'outcome'; readonly host: string; readonly outcome: Outcome }
  | BatchEvent

/** What concerns a batch of hosts, or the run as a whole. */
export type BatchEvent =
  /** A batch begins: its number from 1, of so many that are to come. */
  | {
      readonly type: 'batch'
      readonly index: number
      readonly of: number
      readonly hosts: readonly string[]
      readonly canary: boolean
    }
  /** Between two batches: what is waited for or asked after batch `after`, and what came of it. */
  | {
      readonly type: 'gate'
      readonly after: number
      readonly kind: 'bake' | 'command' | 'symptom'
      readonly status: 'begun' | 'passed' | 'failed'
      readonly detail: string
    }
  /** The run goes no further; hosts in flight finish. */
  | { readonly type: 'stopped'; readonly reason: string; readonly notAttempted: readonly string[] }

export type Listener = (event: Event) => void
