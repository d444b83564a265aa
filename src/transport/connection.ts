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

/** Opens a connection of its own (new TCP, new handshake). Rejects with ConnectError. */
export type Connect = (host: Host, signal: AbortSignal) => Promise<Connection>
