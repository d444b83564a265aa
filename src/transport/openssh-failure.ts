/** What ssh printed when it did not get in → the same errors as the library's. ssh speaks English everywhere. */
import { ConnectError, type ConnectReason } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { quote } from '../lang/sh.ts'
import { lastLine, plain } from '../lang/text.ts'
import { cannotConnect } from './failure.ts'
import { unknownKeyHint } from './host-key-policy.ts'
import { whatIsBad } from './ssh-asked.ts'

/** The error for an ssh that ended without a connection. */
export function opensshFailure(host: Host, stderr: string): ConnectError {
  const said = stderr
    .split('\n')
    .map(line => line.trimEnd())
    .filter(line => line !== '' && !/^debug\d: /.test(line))
    .join('\n')
  return (
    hostKeyFailure(host, said, stderr) ??
    networkFailure(host, said) ??
    loginFailure(host, said, stderr) ??
    cannotConnect(host, 'protocol', whatIsBad(said) || 'ssh ended without a word')
  )
}

/** A new key that ssh could not write down could not be checked next time: ssh goes on, and we do not. */
export function unrecorded(host: Host, stderr: string): ConnectError | null {
  const file = /^Failed to add the host to the list of known hosts \((.+)\)\.\s*$/m.exec(stderr)?.[1]
  if (file === undefined) return null
  const message = `${host.name}: its new host key is not accepted: ${plain(file)}: cannot add to it`
  return new ConnectError(host.name, 'host-key', message)
}

function hostKeyFailure(host: Host, said: string, stderr: string): ConnectError | null {
  const fail = (text: string, hint?: string): ConnectError =>
    new ConnectError(host.name, 'host-key', `${host.name}: ${plain(text)}`, { hint })
  if (!/^Host key verification failed\.$/m.test(said)) return null
  // The last one it showed: with jump hosts each shows one.
  const shown = [...stderr.matchAll(/^debug1: Server host key: (\S+ \S+)$/gm)].at(-1)?.[1] ?? 'a key'
  const unknown = /^No \S+ host key is known for (\S+) and you have requested strict checking\.$/m.exec(said)?.[1]
  if (unknown !== undefined) {
    return fail(`the host key of ${unknown} is not known (${shown})`, unknownKeyHint(host))
  }
  const changed = /^(?:Host key|\S+ host key) for (\S+) has changed and you have requested strict checking\.$/m.exec(
    said,
  )
  const place = /^Offending (?:\S+ )*key in (.+)$/m.exec(said)?.[1]
  const where = changed?.[1] ?? (host.port === 22 ? host.address : `[${host.address}]:${host.port}`)
  if (/REVOKED HOST KEY DETECTED/.test(said)) return fail(`the host key of ${where} is revoked (${shown})`)
  if (changed) {
    const file = place?.replace(/:\d+$/, '')
    const at = place === undefined ? 'another is on file' : `${place} has another`
    const from = file === undefined ? '' : ` -f ${quote(file)}`
    return fail(
      `the host key of ${where} is not the known one: it shows ${shown}, ${at}`,
      `when the new key is right: ssh-keygen -R ${quote(where)}${from}`,
    )
  }
  return fail(`the host key of ${where} is not accepted (${shown})`)
}

/** strerror's words as every libc has them. */
const SOCKET: readonly (readonly [RegExp, ConnectReason, string])[] = [
  [/Connection refused/, 'refused', 'connection refused'],
  [/No route to host/, 'refused', 'no route to host'],
  [/Network is unreachable/, 'refused', 'network is unreachable'],
  [/timed out/i, 'timeout', 'connection timed out'],
  [/Connection reset/, 'closed', 'connection reset'],
]

function networkFailure(host: Host, said: string): ConnectError | null {
  const name = /^ssh: Could not resolve hostname (.*): ([^:\n]+)$/m.exec(said)
  if (name) {
    const [, asked = '', why = ''] = name
    const isTemporary = /temporary/i.test(why)
    const text = isTemporary ? 'name servers do not answer' : 'name not known'
    return cannotConnect(host, 'dns', asked === host.address ? text : `${plain(asked)}: ${text}`)
  }
  const socket = /^ssh: connect to (host \S+ port \d+): (.+)$/m.exec(said)
  if (socket) {
    const [, where = '', why = ''] = socket
    const [, reason, text] = SOCKET.find(([pattern]) => pattern.test(why)) ?? [null, 'protocol' as const, lastLine(why)]
    const isJump = where !== `host ${host.address} port ${host.port}`
    return cannotConnect(host, reason, isJump ? `${text} (by ${plain(where)})` : text)
  }
  if (/^Connection timed out during banner exchange$/m.test(said)) {
    return cannotConnect(host, 'timeout', 'the connection stands, but the SSH server does not speak')
  }
  if (/^(?:kex|ssh)_exchange_identification: /m.test(said)) {
    return cannotConnect(host, 'closed', 'the server closed the connection before it spoke')
  }
  return null
}

function loginFailure(host: Host, said: string, stderr: string): ConnectError | null {
  if (/^Received disconnect from .*: ?Too many authentication failures/m.test(said)) {
    const hint = 'name the right key: --private-key, or ansible_ssh_private_key_file'
    return cannotConnect(host, 'auth', 'the server said: Too many authentication failures', { hint })
  }
  const denied = /^(?:\S+: )?Permission denied(?: \(([\w,@.-]*)\))?\.?$/m.exec(said)
  if (denied) {
    const tried = new Set([...stderr.matchAll(/^debug1: Next authentication method: (\S+)$/gm)].map(([, name]) => name))
    const problem = /^(?:Load key|no such identity: |Permissions \d+ for) ?(.+)$/m.exec(said)?.[0]
    const text = tried.size === 0 ? 'no key or agent to log in with' : `login denied (tried ${[...tried].join(', ')})`
    const hint = host.password
      ? 'ssh is given no password: use keys, an agent or Kerberos, or --transport ssh2'
      : `ssh -p ${host.port} ${host.user}@${host.address} shows whether this user may log in; keys: ssh-add -l`
    return cannotConnect(host, 'auth', `${text} as user ${host.user}${problem ? `; ${plain(problem)}` : ''}`, { hint })
  }
  const apart = /^Unable to negotiate with .*: (no matching .*)$/m.exec(said)?.[1]
  if (apart !== undefined) {
    const hint = host.legacySsh ? undefined : 'for OpenSSH older than 6: ctfix_legacy_ssh: true'
    return cannotConnect(host, 'protocol', plain(apart), { hint })
  }
  if (/^(?:Connection (?:closed|reset) by|Received disconnect from|ssh_dispatch_run_fatal: Connection) /m.test(said)) {
    return cannotConnect(host, 'closed', 'the server closed the connection during the login')
  }
  return null
}
