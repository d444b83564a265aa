/** Commands as another user, root as a rule. */
import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import { ConfigError, ConnectError } from '../errors.ts'
import type { Become, Host } from '../inventory/host.ts'
import { refused, WantsTerminal } from './become-refusal.ts'
import { type Admission, askToBeLetIn } from './become-talk.ts'
import { type Way, wrap } from './become-words.ts'
import { type Connection, type Dialogue, type ExecOptions, type ExecResult, SILENCE_MS } from './connection.ts'
import { PasswordGate } from './password-gate.ts'
import { lengthOf, parseTerminal } from './terminal.ts'

/** Throws ConfigError for what cannot be done; asked before anything is connected to. */
export function checkBecome(host: Host): void {
  const become = needed(host)
  if (become === null) return
  const { name, place } = host
  if (/[\0\n\r]/.test(become.password?.reveal() ?? '')) {
    throw new ConfigError(`${name}: a password with a line break in it cannot be given to ${become.method}`, { place })
  }
  if (become.method === 'doas' && become.password !== null && host.connection === 'local') {
    const hint = 'become_method sudo or su, a permit line with nopass, or this machine over SSH'
    throw new ConfigError(`${name}: doas takes a password on a terminal only, and a local connection has none`, {
      place,
      hint,
    })
  }
}

/**
 * null when nothing is to be done; like Ansible, who is that user already needs no tool to become it. The system's ssh may
 * log in as somebody else where nobody said as whom: only ssh_config knows.
 */
function needed({ become, connection, user, transport, ssh }: Host): Become | null {
  if (connection === 'ssh' && transport === 'openssh' && !ssh?.said.includes('user')) {
    if (user === userInfo().username) return become
  }
  const login = connection === 'local' ? userInfo().username : user
  return become === null || become.user === login ? null : become
}

/**
 * The connection with every command run as the user of `host.become`; the connection itself when there is none.
 *
 * A command has to be one simple command (`/bin/sh -s -- ARG…`): the words that call the tool are put in front of it. So
 * `"$SSH_CONNECTION"` in its arguments is still expanded where that variable exists: sudo drops it.
 */
export function asUser(connection: Connection, gate = new PasswordGate()): Connection {
  const { host } = connection
  const become = needed(host)
  if (become === null) return connection
  // Printed once the tool has let us in: its own words come in the user's language, and its exit code may be the command's.
  const marker = `ctfix-${randomBytes(8).toString('hex')}`
  const asks = become.password !== null || become.method === 'su'
  let way: Way = { become, marker, asks, terminal: become.method === 'doas' && asks }
  const attempt = (command: string, options: ExecOptions = {}): Promise<ExecResult> =>
    execBy({ connection, way, gate }, command, options)
  return {
    host,
    get alive() {
      return connection.alive
    },
    async exec(command, options) {
      try {
        return await attempt(command, options)
      } catch (error) {
        if (!(error instanceof WantsTerminal) || way.terminal || host.connection === 'local') throw error
        // requiretty, or an su of old: it said no before it asked for anything, so the command was not begun.
        way = { ...way, asks: true, terminal: true }
        return await attempt(command, options)
      }
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

interface By {
  readonly connection: Connection
  readonly way: Way
  readonly gate: PasswordGate
}

async function execBy({ connection, way, gate }: By, command: string, options: ExecOptions): Promise<ExecResult> {
  const { host } = connection
  const { marker, terminal } = way
  const input = options.stdin ?? ''
  if (!way.asks) {
    const result = await connection.exec(wrap(command, way), options)
    const stderr = after(marker, result.stderr)
    if (stderr === null) throw refused(host, way, 'over', result)
    return { ...result, stderr }
  }
  const talked: { end: Admission } = { end: 'over' }
  const talk = async (dialogue: Dialogue): Promise<boolean> => {
    const end = await askToBeLetIn(dialogue, { way, host: host.name, gate, signal: options.signal })
    talked.end = end
    // Input that has no end cannot tell a tool that waits to give up, nor does silence end by itself.
    if (
      end === 'silent' ||
      end === 'endless' ||
      end === 'other' ||
      (terminal && !['in', 'over', 'lost'].includes(end))
    ) {
      throw refused(host, way, end, { ...dialogue.heard(), exitCode: -1 })
    }
    return end === 'in'
  }
  const stdin = terminal ? lengthOf(marker, input) + input : `${marker}\n${input}`
  const { follow, ...rest } = options
  // On a terminal the output is only known once it is whole: of a command that is followed, one answer.
  const followed = follow && (terminal ? { deadlineMs: SILENCE_MS } : { follow })
  const result = await connection.exec(wrap(command, way), { ...rest, ...followed, stdin, talk, terminal })
  if (talked.end !== 'in') throw refused(host, way, talked.end, result)
  if (!terminal) return { ...result, stderr: after(marker, result.stderr) ?? '' }
  const parsed = parseTerminal(result.stdout, marker)
  if (parsed !== null) return parsed
  throw new ConnectError(
    host.name,
    'lost',
    `${host.name}: a command's output on a terminal is cut off: what it did is not known`,
  )
}

/** What follows the marker's line; what sudo warned of before it (a host name it cannot resolve) is not the command's. */
function after(marker: string, stderr: string): string | null {
  const lines = stderr.split('\n')
  const at = lines.indexOf(marker)
  return at === -1 ? null : lines.slice(at + 1).join('\n')
}
