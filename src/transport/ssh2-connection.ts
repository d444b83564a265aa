/** An open SSH session. Knows the library only by the shape of the few things it needs of it. */
import type { Duplex, Readable } from 'node:stream'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import type { Connection, ExecOptions, ExecResult } from './connection.ts'
import { cannotConnect } from './failure.ts'
import { joinStream } from './joined-stream.ts'
import { runCommand, type Started } from './running.ts'
import { Sessions } from './sessions.ts'

type Channel = Duplex & { readonly stderr: Readable }

/** The part of an ssh2 client that a session uses. */
export interface SshClient {
  exec(
    command: string,
    options: { readonly pty: boolean },
    done: (error: Error | undefined, channel: Channel) => void,
  ): unknown
  forwardOut(
    fromAddress: string,
    fromPort: number,
    toAddress: string,
    toPort: number,
    done: (error: Error | undefined, channel: Duplex) => void,
  ): unknown
  end(): unknown
}

/** How long a polite goodbye may take before the socket is taken away. */
const GOODBYE_MS = 500

/** Any answer needs longer than this only on a connection that is as good as gone. */
const ANSWER_MS = 5_000

export class Ssh2Connection implements Connection {
  readonly host: Host
  readonly #client: SshClient
  readonly #socket: Duplex
  readonly #sessions = new Sessions()
  readonly #closed: Promise<void>
  readonly #silenceMs: number
  #heardAt = performance.now()
  #alive = true
  #why: string | undefined

  /** `client` is logged in, over `socket`, and asks the other side whether it lives after so long a silence. */
  constructor(host: Host, client: SshClient, socket: Duplex, keepaliveMs = Number.POSITIVE_INFINITY) {
    this.host = host
    this.#silenceMs = keepaliveMs + Math.min(keepaliveMs, ANSWER_MS)
    socket.on('data', () => {
      this.#heardAt = performance.now()
    })
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

  /** It was asked whether it lives, and has not said so yet: it may be gone. */
  get isSilent(): boolean {
    return performance.now() - this.#heardAt > this.#silenceMs
  }

  /** Whatever the library complains about; the first complaint explains a loss. */
  failed(error: Error): void {
    this.#why ??= lastLine(error.message)
    // A complaint after login is either the end of the connection or a protocol gone wrong: neither can be gone on with.
    this.#drop()
  }

  exec(command: string, options?: ExecOptions): Promise<ExecResult> {
    const start = (): Promise<Started> => this.#start(command, options?.terminal === true)
    return runCommand(this.host.name, { start, abandon: () => this.#drop() }, options)
  }

  /** A stream over this connection to another host's SSH port. Rejects with ConnectError of that host. */
  forward(to: Host): Promise<Duplex> {
    if (!this.#alive)
      return Promise.reject(cannotConnect(to, 'closed', `the connection to the jump host ${this.host.name} broke`))
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
    this.#client.forwardOut('127.0.0.1', 0, to.address, to.port, (error, channel) => {
      if (error) reject(notForwarded(to, this.host, error))
      else resolve(joinStream({ readable: channel, writable: channel, end: () => channel.destroy() }))
    })
    return promise
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

  async #start(command: string, pty: boolean): Promise<Started> {
    for (let tries = 1; ; tries++) {
      await this.#sessions.enter()
      try {
        const started = await this.#open(command, pty)
        this.#sessions.opened()
        void started.ended.then(() => this.#sessions.leave())
        return started
      } catch (error) {
        // Refused before it was sent: nothing ran, so it may be asked for again.
        const isRefusal = this.#alive && error instanceof ConnectError && isOpenFailure(error.cause)
        const again = isRefusal && (await this.#sessions.refused(tries))
        this.#sessions.leave()
        if (!again) throw error
      }
    }
  }

  #open(command: string, pty: boolean): Promise<Started> {
    const { name } = this.host
    if (!this.#alive) {
      const why = this.#why === undefined ? '' : ` (${this.#why})`
      const message = `${name}: the connection is closed${why}: the command was not sent`
      return Promise.reject(new ConnectError(name, 'closed', message))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Started>()
    this.#client.exec(command, { pty }, (error, channel) => {
      if (!error) resolve(this.#started(channel))
      // The library gives the same error whether the server says no or goes away before it answers.
      else if (this.#alive)
        reject(new ConnectError(name, 'protocol', `${name}: ${this.#refused(error)}`, { cause: error }))
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

/** Reasons of RFC 4254, 5.1: the server would not open a channel at all. */
const PROHIBITED = 1
const CONNECT_FAILED = 2

function reasonOf(error: unknown): unknown {
  return error instanceof Error && 'reason' in error ? error.reason : undefined
}

function isOpenFailure(error: unknown): boolean {
  return typeof reasonOf(error) === 'number'
}

function notForwarded(to: Host, { name: jump }: Host, error: Error): ConnectError {
  const text = lastLine(error.message).replace(/^\(SSH\) Channel open failure: /, '')
  if (reasonOf(error) === CONNECT_FAILED) return cannotConnect(to, 'refused', `from ${jump}: ${text}`, { cause: error })
  if (reasonOf(error) === PROHIBITED) {
    const hint = `on ${jump}, in sshd_config: AllowTcpForwarding, PermitOpen`
    return cannotConnect(to, 'protocol', `the jump host ${jump} does not forward: ${text}`, { cause: error, hint })
  }
  return cannotConnect(to, 'closed', `the jump host ${jump} gave no channel: ${text}`, { cause: error })
}
