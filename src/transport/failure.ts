/** What went wrong while connecting, sorted by where and by code, never by the words of a message. */
import { ConnectError, type ConnectReason } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'

/** `web-1: cannot connect to 10.0.0.1:22: connection refused` */
export function cannotConnect(
  host: Host,
  reason: ConnectReason,
  text: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): ConnectError {
  return new ConnectError(host.name, reason, `${host.name}: cannot connect to ${place(host)}: ${text}`, options)
}

function place({ address, port }: Host): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

const BY_CODE: Readonly<Record<string, readonly [ConnectReason, string]>> = {
  ECONNREFUSED: ['refused', 'connection refused'],
  // Often an ICMP answer of a firewall; like a refusal it comes at once and seldom heals within a minute.
  EHOSTUNREACH: ['refused', 'no route to host'],
  EHOSTDOWN: ['refused', 'host is down'],
  ENETUNREACH: ['refused', 'network is unreachable'],
  ETIMEDOUT: ['timeout', 'connection timed out'],
  ECONNRESET: ['closed', 'connection reset'],
  ECONNABORTED: ['closed', 'connection aborted'],
  EPIPE: ['closed', 'connection closed'],
  ENOTFOUND: ['dns', 'name not known'],
  ENODATA: ['dns', 'name has no address'],
  EAI_AGAIN: ['dns', 'name servers do not answer'],
  EAI_NODATA: ['dns', 'name has no address'],
}

/** An error of the network: of a look-up, or of the socket. */
export function connectFailure(host: Host, error: unknown): ConnectError {
  if (error instanceof ConnectError) return error
  const code = codeOf(error)
  const known = typeof code === 'string' ? BY_CODE[code] : undefined
  const [reason, text] = known ?? ['protocol', said(error)]
  return cannotConnect(host, reason, text, { cause: error })
}

/** How far a login had come when it broke. */
export interface Progress {
  /** Keys are exchanged: the server is who it has to be. */
  readonly encrypted: boolean
  /** The server has ended the connection. */
  readonly hungUp: boolean
  /** Ways to log in that were tried. */
  readonly tried: readonly string[]
}

/**
 * An error of the SSH library while logging in. `level` says where it arose (measured against OpenSSH 9.2);
 * without a level and with a number as code it is the server's own goodbye (RFC 4253, 11.1).
 */
export function loginFailure(host: Host, error: Error, progress: Progress): ConnectError {
  const level = 'level' in error ? error.level : undefined
  if (level === 'client-socket') {
    const failure = connectFailure(host, error)
    return failure.reason === 'closed' ? closedEarly(host, progress, failure) : failure
  }
  if (level === 'client-authentication') return denied(host, progress, error)
  if (level === 'protocol' && progress.hungUp && !progress.encrypted) {
    return cannotConnect(host, 'closed', 'the server closed the connection before it spoke', { cause: error })
  }
  if (typeof codeOf(error) === 'number') return goodbye(host, error, progress)
  const hint = host.legacySsh ? undefined : 'for OpenSSH older than 6: ctfix_legacy_ssh: true'
  return cannotConnect(host, 'protocol', said(error), {
    cause: error,
    ...(level === 'handshake' && hint ? { hint } : {}),
  })
}

/** The connection ended before we were logged in. */
export function closedEarly(host: Host, { tried }: Progress, cause?: unknown): ConnectError {
  // Without a verdict the password may have counted as wrong: a second try could lock the account.
  if (tried.includes('password') || tried.includes('keyboard-interactive')) {
    return cannotConnect(host, 'auth', 'the server closed the connection while it checked the password', { cause })
  }
  return cannotConnect(host, 'closed', 'the server closed the connection during the login', { cause })
}

function denied(host: Host, { tried }: Progress, cause: Error): ConnectError {
  const methods = [...new Set(tried)].join(', ')
  const text = tried.length === 0 ? 'no key, agent or password to log in with' : `login denied (tried ${methods})`
  const hint = `ssh -p ${host.port} ${host.user}@${host.address} shows whether this user may log in; keys: ssh-add -l`
  return cannotConnect(host, 'auth', `${text} as user ${host.user}`, { cause, hint })
}

const TOO_MANY_CONNECTIONS = 12

function goodbye(host: Host, error: Error, progress: Progress): ConnectError {
  const text = `the server said: ${said(error)}`
  if (codeOf(error) === TOO_MANY_CONNECTIONS) return cannotConnect(host, 'closed', text, { cause: error })
  if (!progress.encrypted) return cannotConnect(host, 'protocol', text, { cause: error })
  // Too many keys tried is the common one: MaxAuthTries counts each.
  const hint = 'name the right key: --private-key, or ansible_ssh_private_key_file'
  return progress.tried.length > 0
    ? cannotConnect(host, 'auth', text, { cause: error, hint })
    : cannotConnect(host, 'closed', text, { cause: error })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function said(error: unknown): string {
  return lastLine(error instanceof Error ? error.message : String(error))
}
