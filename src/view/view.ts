/** How a run shows itself. stdout carries results and nothing else; everything on the way goes to stderr. */
import type { ExitCode } from '../errors.ts'
import type { Listener } from '../run/events.ts'
import type { Outcome } from '../run/status.ts'
import type { RunHeader } from './document.ts'

export const OUTPUTS = ['human', 'json', 'ndjson'] as const
export type Output = (typeof OUTPUTS)[number]

export interface View {
  /** Progress, as it happens. */
  readonly onEvent: Listener
  /** The plans of a run, before anybody is asked; a view for programs shows them in its result only. */
  plans(outcomes: readonly Outcome[]): void
  /** A view for programs shows a person who is asked what the question is about. */
  ask?(outcomes: readonly Outcome[]): void
  /** Ends the progress display, so that a question or the result can be printed. */
  settle(): Promise<void>
  facts(outcomes: readonly Outcome[], exitCode: ExitCode): void
  result(header: RunHeader, outcomes: readonly Outcome[], exitCode: ExitCode): void
}

/** Where a view writes; tests give their own. */
export interface Streams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** stderr is a terminal that can be redrawn. */
  readonly interactive: boolean
  readonly color: boolean
}
