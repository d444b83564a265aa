/** How a run shows itself. stdout carries results and nothing else; everything on the way goes to stderr. */
import type { ExitCode } from '../errors.ts'
import { eachPiece } from '../lang/pieces.ts'
import type { Listener } from '../run/events.ts'
import type { Outcome } from '../run/status.ts'
import type { RunHeader } from './document.ts'
import type { Terminal } from './screen.ts'

export const OUTPUTS = ['human', 'json', 'ndjson', 'markdown', 'junit'] as const
export type Output = (typeof OUTPUTS)[number]

export interface View {
  /** Progress, as it happens. */
  readonly onEvent: Listener
  /** Resolves when whoever reads the events has taken those there are; left out: nobody is waited for. */
  readonly ready?: () => Promise<void>
  /** What a first look came to, before anybody has decided: progress for people, and in no record. */
  readonly onLook?: Listener
  /** The plans of a run, before anybody is asked; a view for programs shows them in its result only. */
  plans(outcomes: readonly Outcome[]): Promise<void>
  /** A view for programs shows a person who is asked what the question is about. */
  ask?(outcomes: readonly Outcome[]): Promise<void>
  /** Ends the progress display, so that a question or the result can be printed. */
  settle(): Promise<void>
  facts(outcomes: readonly Outcome[], exitCode: ExitCode): Promise<void>
  result(header: RunHeader, outcomes: readonly Outcome[], exitCode: ExitCode): Promise<void>
}

/** Where a view writes; tests give their own. */
export interface Streams {
  /** False: it is full, and takes more once `drained` is resolved. */
  readonly out: (text: string) => unknown
  readonly drained?: () => Promise<void>
  readonly err: (text: string) => void
  /** stderr where it can be redrawn; missing or null: plain lines. */
  readonly terminal?: Terminal | null
  readonly color: boolean
  /** Letters beyond ASCII come out as they are. */
  readonly unicode?: boolean
}

/** Prints a result piece by piece; others get their turn in between, and a slow reader gets no more than it takes. */
export async function print({ out, drained }: Streams, pieces: Iterable<string>): Promise<void> {
  await eachPiece(pieces, text => (out(text) === false ? drained?.() : undefined))
}
