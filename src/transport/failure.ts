/** What went wrong while connecting, sorted by where and by code, never by the words of a message. */
import { ConnectError, type ConnectReason, codeOf } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import { type Offer, offerTo } from './algorithms.ts'
import { disagreements, type ServerOffer } from './kexinit.ts'

/** `web-1: cannot connect to 10.0.0.1:22: connection refused` */
export function cannotConnect(
  host: Host,
  reason: ConnectReason,
  text: string,
  options: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
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
  EMFILE: ['protocol', 'this machine allows ctfix no more open files'],
  ENFILE: ['protocol', 'this machine has no more open files for anybody'],
}

/** As for ssh. */
const BRACKETS = 'an IPv6 address stands there without brackets'

/** Of the whole process: it is not this host that needs anything. */
const MORE_FILES = 'ulimit -n 4096 before it, or fewer at once: --forks 10'

/** An error of the network: of a look-up, or of the socket. */
export function connectFailure(host: Host, error: unknown): ConnectError {
  if (error instanceof ConnectError) return error
  const code = codeOf(error)
  if (code === 'EADDRNOTAVAIL' && error instanceof Error && 'syscall' in error && error.syscall === 'bind') {
    const own = 'address' in error ? ` ${error.address}` : ''
    const hint = 'BindAddress and BindInterface of ssh_config; ip address shows those that are there'
    return cannotConnect(host, 'protocol', `this machine has no address${own} to come from`, { cause: error, hint })
  }
  const known = typeof code === 'string' ? BY_CODE[code] : undefined
  const [reason, text] = known ?? ['protocol', said(error)]
  const brackets = reason === 'dns' && host.address.startsWith('[') ? BRACKETS : undefined
  return cannotConnect(host, reason, text, { cause: error, hint: code === 'EMFILE' ? MORE_FILES : brackets })
}

/** How far a login had come when it broke. */
export interface Progress {
  /** Keys are exchanged: the server is who it has to be. */
  readonly encrypted: boolean
  /** The server has ended the connection. */
  readonly hungUp: boolean
  /** Ways to log in that were tried. */
  readonly tried: readonly string[]
  /** Ways the server takes, as far as it has said so. */
  readonly accepted: readonly string[] | null
  /** What was offered to the server, and what it offered itself, as far as that is known. */
  readonly offer: Offer
  readonly words: ServerOffer | null
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
  return (
    (level === 'handshake' ? disagreed(host, progress, error) : null) ??
    cannotConnect(host, 'protocol', said(error), { cause: error })
  )
}

/** No common algorithm: what each side would have taken, and which way there is to another offer. */
function disagreed(host: Host, { words, offer }: Progress, cause: Error): ConnectError | null {
  const missing = words ? disagreements(words, offer) : []
  if (words === null || missing.length === 0) return null
  const helps = !host.legacySsh && disagreements(words, offerTo({ legacySsh: true }, [])).length === 0
  const hint = helps
    ? `for this host: ctfix_legacy_ssh: true`
    : 'the system’s ssh knows other algorithms: --transport openssh'
  return cannotConnect(host, 'protocol', `${words.version} and ctfix do not agree: ${missing.join('; ')}`, {
    cause,
    hint,
  })
}

/** The connection ended before we were logged in. */
export function closedEarly(host: Host, { tried }: Pick<Progress, 'tried'>, cause?: unknown): ConnectError {
  // Without a verdict the password may have counted as wrong: a second try could lock the account.
  if (tried.includes('password') || tried.includes('keyboard-interactive')) {
    return cannotConnect(host, 'auth', 'the server closed the connection while it checked the password', { cause })
  }
  return cannotConnect(host, 'closed', 'the server closed the connection during the login', { cause })
}

/** The error of a login that broke while the server had the password: another attempt would give it once more. */
export function unanswered(host: Host, error: unknown): unknown {
  if (!(error instanceof ConnectError) || !error.retryable) return error
  const hint = 'it is not given again: three that count as wrong may lock an account'
  return new ConnectError(host.name, 'auth', `${error.message}; it never answered the password`, { hint, cause: error })
}

/** A password is no answer to it, and none was given. */
export function asksOther(host: Host, question: string): ConnectError {
  const hint = 'a second factor needs a key, or a person: ssh there once with ControlMaster and --transport openssh'
  return cannotConnect(host, 'auth', `the server asks for more than a password: ${lastLine(question)}`, { hint })
}

/** Ways to log in that this library can go. */
const OURS = new Set(['publickey', 'password', 'keyboard-interactive'])

function denied(host: Host, { tried, accepted }: Progress, cause: Error): ConnectError {
  const methods = [...new Set(tried)].join(', ')
  const takes = accepted === null ? '' : `; the server takes ${lastLine(accepted.join(', ')) || 'nothing'}`
  const text =
    tried.length === 0 ? 'no key, agent or password to log in with' : `login denied (tried ${methods}${takes})`
  if (accepted !== null && accepted.length > 0 && !accepted.some(method => OURS.has(method))) {
    const other = `login denied: the server takes only ${lastLine(accepted.join(', '))}, which ctfix cannot do`
    const hint = 'Kerberos and host-based login need the system’s ssh: --transport openssh'
    return cannotConnect(host, 'auth', `${other}, as user ${host.user}`, { cause, hint })
  }
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

function said(error: unknown): string {
  return lastLine(error instanceof Error ? error.message : String(error))
}
