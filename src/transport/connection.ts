/** The one seam between ctfix and the world of hosts. */
import type { Host } from '../inventory/host.ts'

export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  /** Sent to the command, then closed. A script travels here, never in the command line. */
  readonly stdin?: string
  /** The command is given up after this long; its outcome is then unknown (`lost`). Default 60 s. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
  /**
   * Speaks with what stands before the command, as a rule with a prompt for a password. `stdin` follows once it resolves
   * with true; with false the input is closed without it. The deadline begins after it.
   */
  readonly talk?: (dialogue: Dialogue) => Promise<boolean>
  /** On a terminal of the host: both outputs arrive as stdout, and input has no end. Not on this machine itself. */
  readonly terminal?: boolean
  /**
   * Of a command that goes on: what it prints is told as it comes, and its input stays open until it is closed. Where that
   * cannot be, as on a terminal, it is a command like any other: input closed, output in the result.
   */
  readonly follow?: Follow
}

/** Whoever listens to a command that goes on. Neither may throw. */
export interface Follow {
  /** It was sent its `stdin`. More can be said to it; null closes its input. */
  begun(say: (text: string | null) => void): void
  heard(text: string): void
}

/** What a command under way prints, and a way to answer. */
export interface Dialogue {
  /** Everything printed so far. */
  heard(): { readonly stdout: string; readonly stderr: string }
  /** Set once it is over: with an exit code, or without one, which is no answer of the command. */
  readonly over: 'exit' | 'lost' | null
  /** Until more is printed, the command has ended, or nothing came for so long. */
  next(patienceMs: number): Promise<'more' | 'ended' | 'quiet'>
  say(text: string): void
}

/** An open session on one host. */
export interface Connection extends AsyncDisposable {
  readonly host: Host
  /**
   * Runs one command. Resolves with its exit code, whatever that is.
   * Rejects with ConnectError `lost` when there is no exit code: what the command did is then not known.
   * Rejects with CommandError when it prints more than the limit (4 MiB a stream; the rest is not read).
   */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>
  /** False once the other side is known to be gone. */
  readonly alive: boolean
}

/** A command without an answer for so long may hang on a connection that is cut off without knowing it. */
export const SILENCE_MS = 15_000

/** Opens a connection of its own (new TCP, new handshake). Rejects with ConnectError. */
export type Connect = (host: Host, signal: AbortSignal) => Promise<Connection>
