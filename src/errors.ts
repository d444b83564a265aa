/** Errors of ctfix, and the one table of exit codes. Expected answers (blocked, rolled back) are values, not errors. */

/** Exit codes as the README lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  pending: 2,
  unreachable: 3,
  rolledBack: 4,
  needsPerson: 5,
  budget: 6,
  stale: 7,
  locked: 8,
  blocked: 9,
  usage: 64,
  badInput: 65,
  noMatch: 66,
  bug: 70,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

interface Options extends ErrorOptions {
  /** One line that tells the reader what to try; best a command. */
  readonly hint?: string | undefined
}

/** Everything a user can cause or meet. Its message is one line; a stack is never shown for it. */
export abstract class CtfixError extends Error {
  readonly hint: string | undefined
  constructor(message: string, { hint, ...options }: Options = {}) {
    super(message, options)
    this.hint = hint
  }
}

/** Wrong command line: an option or its value. Exit 64. */
export class UsageError extends CtfixError {
  override readonly name = 'UsageError' as const
}

/** A place in a file a user wrote; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

/** `file:line:column`, as editors and compilers write it. */
export function formatPlace({ file, line, column }: Place): string {
  // A message is one line, whatever somebody named a file.
  return [file?.replaceAll('\n', '\\n'), line, column].filter(part => part !== undefined).join(':')
}

/** Unreadable inventory, playbook, plan or option value. Exit 65. */
export class ConfigError extends CtfixError {
  override readonly name = 'ConfigError' as const
  readonly place: Place | undefined
  /** The first half of the message where it repeats nothing of a file: all that may be said of a vaulted one. */
  readonly expected: string | undefined
  constructor(
    message: string,
    { place, expected, ...options }: Options & { readonly place?: Place; readonly expected?: string } = {},
  ) {
    super(place ? `${formatPlace(place)}: ${message}` : message, options)
    this.place = place
    this.expected = expected
  }
}

/** Ctrl-C before any host was touched. Exit 130. */
export class InterruptedError extends CtfixError {
  override readonly name = 'InterruptedError' as const
}

/** Somebody else is at work on the same run at this moment. Exit 8. */
export class LockedError extends CtfixError {
  override readonly name = 'LockedError' as const
}

/** A saved plan that may not be carried out: expired, used or edited, or made on a host that is another one by now. Exit 7. */
export class StaleError extends CtfixError {
  override readonly name = 'StaleError' as const
}

/** A host on which a run was begun before, and which nobody could ask what became of that. */
export class InDoubtError extends CtfixError {
  override readonly name = 'InDoubtError' as const
}

/** The host pattern selected nothing. Exit 66. */
export class NoMatchError extends CtfixError {
  override readonly name = 'NoMatchError' as const
}

/**
 * Why a connection could not be opened or did not last.
 * `lost` means: it ended while a command ran, so what the command did is not known.
 */
export type ConnectReason =
  | 'dns'
  | 'refused'
  | 'timeout'
  | 'auth'
  | 'host-key'
  | 'closed'
  | 'protocol'
  | 'lost'
  | 'aborted'

/** Concerns one host. */
abstract class HostError extends CtfixError {
  readonly host: string
  constructor(host: string, message: string, options: Options = {}) {
    super(message, options)
    this.host = host
  }
}

/** A host that cannot be reached, or that was lost. Only connecting is ever retried. */
export class ConnectError extends HostError {
  override readonly name = 'ConnectError' as const
  readonly reason: ConnectReason
  constructor(host: string, reason: ConnectReason, message: string, options: Options = {}) {
    super(host, message, options)
    this.reason = reason
  }
  /** Worth another attempt at connecting. Auth and host keys never are: accounts get locked, keys do not heal. */
  get retryable(): boolean {
    return this.reason === 'timeout' || this.reason === 'closed' || this.reason === 'refused'
  }
}

/** A command on a host ended, and not as it had to. The whole output is on the object, its last line in the message. */
export class CommandError extends HostError {
  override readonly name = 'CommandError' as const
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** False where it is known that the command itself was never begun: the tool before it said no. */
  readonly begun: boolean
  constructor(
    host: string,
    message: string,
    result: { readonly exitCode: number; readonly stdout: string; readonly stderr: string },
    { begun = true, ...options }: Options & { readonly begun?: boolean } = {},
  ) {
    super(host, message, options)
    this.begun = begun
    this.exitCode = result.exitCode
    this.stdout = result.stdout
    this.stderr = result.stderr
  }
}

/** Nothing was tried on this host: another one refused the password that it, too, would be given. */
export class NotTriedError extends HostError {
  override readonly name = 'NotTriedError' as const
}

/** What the probe printed cannot be trusted: cut off, or not what its own script prints. */
export class ProbeError extends HostError {
  override readonly name = 'ProbeError' as const
}

/** The sentence of an error without the host it begins with: whoever shows it names the host once. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const host = 'host' in error && typeof error.host === 'string' ? `${error.host}: ` : ''
  return host !== '' && error.message.startsWith(host) ? error.message.slice(host.length) : error.message
}

/** What the system calls the reason, as `ENOENT`; undefined where it says none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
