/** Commands as another user, root as a rule. */
import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import { CommandError, ConfigError } from '../errors.ts'
import type { Become, Host } from '../inventory/host.ts'
import { sh } from '../lang/sh.ts'
import { lastLine } from '../lang/text.ts'
import type { Connection, ExecOptions, ExecResult } from './connection.ts'

/** Throws ConfigError for what cannot be done yet; asked before anything is connected to. */
export function checkBecome(host: Host): void {
  const become = needed(host)
  if (become === null) return
  if (become.method !== 'sudo') {
    const hint = 'use become_method sudo, or log in as root'
    throw new ConfigError(`${host.name}: become method ${become.method} is not supported`, { place: host.place, hint })
  }
  if (become.password !== null) {
    const hint = 'a sudoers line with NOPASSWD for this user, or log in as root'
    throw new ConfigError(`${host.name}: sudo with a password is not supported`, { place: host.place, hint })
  }
}

/** null when nothing is to be done; like Ansible, who is that user already needs no tool to become it. */
function needed({ become, connection, user }: Host): Become | null {
  const login = connection === 'local' ? userInfo().username : user
  return become === null || become.user === login ? null : become
}

/**
 * The connection with every command run as the user of `host.become`; the connection itself when there is none.
 *
 * A command has to be one simple command (`/bin/sh -s -- ARG…`): the words that call sudo are put in front of it and
 * nothing in it is quoted again. So the login shell still expands its arguments, outside of sudo, where `"$SSH_CONNECTION"`
 * exists: sudo drops that variable.
 */
export function asUser(connection: Connection): Connection {
  const become = needed(connection.host)
  if (become === null) return connection
  // Printed once sudo has let us in: its own words come in the user's language, and its exit code 1 may be the command's.
  const marker = `ctfix-${randomBytes(8).toString('hex')}`
  const inner = `echo ${marker} >&2; exec "$0" "$@"`
  const prefix = sh`${become.exe ?? 'sudo'} -n -H -u ${become.user} -- /bin/sh -c ${inner}`.text
  return {
    host: connection.host,
    get alive() {
      return connection.alive
    },
    async exec(command: string, options?: ExecOptions): Promise<ExecResult> {
      const result = await connection.exec(`${prefix} ${command}`, options)
      const stderr = after(marker, result.stderr)
      if (stderr === null) throw refused(connection.host, become, result)
      return { ...result, stderr }
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

/** What follows the marker's line; what sudo warned of before it (a host name it cannot resolve) is not the command's. */
function after(marker: string, stderr: string): string | null {
  const lines = stderr.split('\n')
  const at = lines.indexOf(marker)
  return at === -1 ? null : lines.slice(at + 1).join('\n')
}

function refused({ name, user }: Host, become: Become, result: ExecResult): CommandError {
  const tool = become.exe ?? 'sudo'
  const said = lastLine(result.stderr) === '' ? '' : `: ${lastLine(result.stderr)}`
  // 126 and 127 are the login shell's: it could not start the tool.
  if (result.exitCode === 126 || result.exitCode === 127) {
    const hint = 'log in as root, or install sudo there'
    return new CommandError(name, `${name}: ${tool} cannot be run${said}`, result, { hint, begun: false })
  }
  const hint = `on the host, with visudo: ${user} ALL=(${become.user}) NOPASSWD: ALL`
  const message = `${name}: ${tool} does not let ${user} become ${become.user} without a password${said}`
  return new CommandError(name, message, result, { hint, begun: false })
}
