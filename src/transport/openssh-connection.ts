/** An open connection that the system's ssh holds; each command is a session on it. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { sh } from '../lang/sh.ts'
import { lastLine } from '../lang/text.ts'
import type { Connection, ExecOptions, ExecResult } from './connection.ts'
import { sessionArgs } from './openssh-args.ts'
import type { OpensshMaster } from './openssh-master.ts'
import { runCommand, type Started } from './running.ts'
import { spawnPiped } from './spawn-piped.ts'

/** ssh's exit code for its own failures, and for a command's 255, and for one that a signal ended. */
const AMBIGUOUS = 255

/** How long the end of a connection may take to be known here. */
const NEWS_MS = 500

export class OpensshConnection implements Connection {
  readonly host: Host
  readonly #master: OpensshMaster
  #alive = true

  /** The master is ready. */
  constructor(host: Host, master: OpensshMaster) {
    this.host = host
    this.#master = master
    void master.ended.then(() => {
      this.#alive = false
    })
  }

  get alive(): boolean {
    return this.#alive
  }

  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const marker = `ctfix-${randomBytes(8).toString('hex')}`
    const running: { pid?: number | undefined } = {}
    const start = (): Promise<Started> => this.#start(command, { marker, terminal: options.terminal === true, running })
    const abandon = (): void => {
      if (running.pid !== undefined) kill(running.pid)
      this.#drop()
    }
    const result = await runCommand(this.host.name, { start, abandon }, options)
    return { ...result, stderr: result.stderr.replace(lastLineOf(marker), '') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alive = false
    await this.#master.end()
  }

  #drop(): void {
    this.#alive = false
    this.#master.kill()
  }

  async #start(command: string, { marker, terminal, running }: Session): Promise<Started> {
    const { name } = this.host
    if (!this.#alive) {
      throw new ConnectError(name, 'closed', `${name}: the connection is closed: the command was not sent`)
    }
    // Behind a terminal there is one output, and whoever asks for one has a last line of their own in it.
    const whole = terminal ? command : withCode(command, marker)
    const child = spawnPiped(this.host, 'ssh', sessionArgs(this.#master.socket, whole, terminal))
    running.pid = child.pid
    const { promise: ended, resolve, reject } = Promise.withResolvers<number | string>()
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4096)
    })
    const exitCode = (): number | undefined => {
      const code = lastLineOf(marker).exec(said)?.[1]
      return code === undefined ? undefined : Number(code)
    }
    child.once('error', error => resolve(`ssh cannot be started (${error.message})`))
    child.once('close', async code => {
      running.pid = undefined
      const known = exitCode() ?? (code === AMBIGUOUS ? undefined : code)
      if (typeof known === 'number') return resolve(known)
      const refused = /^mux_client_request_session: session request failed: (.*)$/m.exec(said)?.[1]
      if (refused !== undefined) return reject(notRun(name, refused))
      // The session may hear of the end of the connection before the connection does.
      await Promise.race([this.#master.ended, delay(NEWS_MS)])
      if (!this.#alive) resolve(LOST)
      else if (terminal) resolve(AMBIGUOUS)
      else resolve('a command ended without an exit code, killed perhaps')
    })
    const { stdin, stdout, stderr } = child
    return { stdin, stdout, stderr, ended, exitCode }
  }
}

interface Session {
  readonly marker: string
  readonly terminal: boolean
  readonly running: { pid?: number | undefined }
}

const LOST = 'the connection was lost while a command ran'

function notRun(name: string, why: string): ConnectError {
  const message = `${name}: the server does not run commands on this connection: ${lastLine(why)}`
  return new ConnectError(name, 'protocol', message)
}

/** The command with its exit code on a line of stderr. The parentheses: it may end the shell that it runs in. */
function withCode(command: string, marker: string): string {
  return sh`/bin/sh -c ${`(\n${command}\n)\nctfix_code=$?\nprintf '\\n%s %s\\n' ${marker} $ctfix_code >&2\nexit $ctfix_code`}`
    .text
}

function lastLineOf(marker: string): RegExp {
  return new RegExp(`\\n${marker} (\\d+)\\n`)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
