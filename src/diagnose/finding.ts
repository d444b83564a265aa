/** What is wrong with a host, as a rule says it. Rules are pure: facts in, findings out. */
import type { Facts } from '../facts/facts.ts'

/** `critical`: packets are lost now, or somebody gets in. `warning`: it will come to that. `notice`: good to know. */
export type Severity = 'critical' | 'warning' | 'notice'

/** The worst first. */
export const SEVERITIES = ['critical', 'warning', 'notice'] as const satisfies readonly Severity[]

/** What kind of cure a finding calls for; which strategy brings it, and whether it may, is another matter (recommend.ts). */
export type Cure =
  | 'room'
  | 'room-elsewhere'
  | 'limit'
  | 'shorter'
  | 'timeouts'
  | 'keep-size'
  | 'keep-timeouts'
  | 'none-helps'

export interface Finding {
  /** Stable word for programs: `table-full`. */
  readonly code: string
  readonly severity: Severity
  /** One sentence, with the numbers that matter. */
  readonly title: string
  /** What was seen, one line each. */
  readonly evidence: readonly string[]
  /** What to do about it. */
  readonly remedy: string
  readonly cure?: Cure
}

/** Adding one is a file in rules/, a line in rules/index.ts and its cases. */
export type Rule = (facts: Facts) => Finding | null
