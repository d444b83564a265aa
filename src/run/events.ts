/** What the engine tells the world while it works. It prints nothing; views and the record listen. */
import type { Plan } from '../plan/plan.ts'
import type { Outcome } from './status.ts'

/** The steps a host goes through, in order. */
export const PHASES = ['connect', 'probe', 'apply', 'verify', 'persist'] as const
export type Phase = (typeof PHASES)[number]

export type Event =
  | { readonly type: 'phase'; readonly host: string; readonly phase: Phase }
  | { readonly type: 'planned'; readonly host: string; readonly plan: Plan }
  /** Written down before it is done: what will be asked of the host next, and where on it the undo lies. */
  | {
      readonly type: 'intent'
      readonly host: string
      readonly step: 'apply' | 'persist' | 'undo'
      readonly runDir: string
    }
  | { readonly type: 'outcome'; readonly host: string; readonly outcome: Outcome }

export type Listener = (event: Event) => void
