/** An open SSH session. Knows the library only by the shape of the few things it needs of it. */
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import type { Connection, ExecOptions, ExecResult } from './connection.ts'
import { runCommand, type Started } from './running.ts'

type Channel = Duplex & { readonly stderr: Readable }

/** The part of an ssh2 client that a session uses. */
export interface SshClient {
  exec(command: string, done: (error: Error | undefined, channel: Channel) => void): unknown
  end(): unknown
}

/** How long a polite goodbye may take before the socket is taken away. */
const GOODBYE_MS = 500

export class Ssh2Connection implements Connection {
  readonly host: Host
  readonly #client: SshClient
  readonly #socket: Socket
  readonly #closed: Promise<void>
  #alive = true
  #why: string | undefined

  /** `client` is logged in, over `socket`. */
  constructor(host: Host, client: SshClient, socket: Socket) {
    this.host = host
    this.#client = client
    this.#socket = socket
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closed = promise
    const gone = (): void => {
      this.#alive = false
      resolve()
    }
    socket.once('close', gone)
    socket.once('end', () => {
      this.#alive = false
    })
    if (socket.destroyed) gone()
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Whatever the library complains about; the first complaint explains a loss. */
  failed(error: Error): void {
    this.#why ??= lastLine(error.message)
    // A complaint after login is either the end of the connection or a protocol gone wrong: neither can be gone on with.
    this.#drop()
  }

  exec(command: string, options?: ExecOptions): Promise<ExecResult> {
    return runCommand(this.host.name, { start: () => this.#start(command), abandon: () => this.#drop() }, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alive = false
    if (this.#socket.destroyed) return
    this.#client.end()
    // The library's own destroy() does nothing after end(); only the socket's frees it when the other side is mute.
    const timer = setTimeout(() => this.#socket.destroy(), GOODBYE_MS)
    await this.#closed
    clearTimeout(timer)
  }

  #drop(): void {
    this.#alive = false
    this.#socket.destroy()
  }

  #start(command: string): Promise<Started> {
    const { name } = this.host
    if (!this.#alive) {
      const why = this.#why === undefined ? '' : ` (${this.#why})`
      const message = `${name}: the connection is closed${why}: the command was not sent`
      return Promise.reject(new ConnectError(name, 'closed', message))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Started>()
    this.#client.exec(command, (error, channel) => {
      if (!error) resolve(this.#started(channel))
      // The library gives the same error whether the server says no or goes away before it answers.
      else if (this.#alive) reject(new ConnectError(name, 'protocol', `${name}: ${this.#refused(error)}`))
      else reject(new ConnectError(name, 'lost', `${name}: ${this.#lossText()}: what it did is not known`))
    })
    return promise
  }

  #refused(error: Error): string {
    return `the server does not run commands on this connection: ${lastLine(error.message)}`
  }

  #lossText(): string {
    return `the connection was lost while a command ran${this.#why === undefined ? '' : ` (${this.#why})`}`
  }

  #started(channel: Channel): Started {
    let exit: { readonly code: number | null; readonly signal: string } | undefined
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = { code, signal: signal ?? 'a signal' }
    })
    const { promise: ended, resolve } = Promise.withResolvers<number | string>()
    // A lost connection closes the channel too, without any exit and without any error.
    channel.once('close', () => {
      if (exit === undefined) resolve(this.#lossText())
      else resolve(exit.code ?? `a command was killed by ${lastLine(exit.signal)}`)
    })
    const exitCode = (): number | undefined => exit?.code ?? undefined
    return { stdin: channel, stdout: channel, stderr: channel.stderr, ended, exitCode }
  }
}
