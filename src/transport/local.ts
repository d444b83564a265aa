/** Commands on this machine: `ansible_connection: local`. */
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Connect, Connection, ExecOptions, ExecResult } from './connection.ts'
import { runCommand, type Started } from './running.ts'
import { spawnPiped } from './spawn-piped.ts'

/** Always succeeds: this machine is here. */
export const connectLocal: Connect = host => Promise.resolve(new LocalConnection(host))

class LocalConnection implements Connection {
  readonly host: Host
  readonly #groups = new Set<number>()
  #alive = true

  constructor(host: Host) {
    this.host = host
  }

  get alive(): boolean {
    return this.#alive
  }

  exec(command: string, options?: ExecOptions): Promise<ExecResult> {
    let group: number | undefined
    const start = async (): Promise<Started> => {
      if (!this.#alive) throw this.#closed()
      const child = spawnPiped(this.host, '/bin/sh', ['-c', command])
      group = child.pid
      if (group !== undefined) this.#groups.add(group)
      const { promise: ended, resolve } = Promise.withResolvers<number | string>()
      child.once('error', error => resolve(`/bin/sh cannot be started (${error.message})`))
      child.once('close', (code, signal) => {
        if (group !== undefined) this.#groups.delete(group)
        resolve(code ?? `a command was killed by ${signal ?? 'a signal'}`)
      })
      const { stdin, stdout, stderr } = child
      return { stdin, stdout, stderr, ended, exitCode: () => child.exitCode ?? undefined }
    }
    const abandon = (): void => {
      if (group !== undefined) killGroup(group)
    }
    return runCommand(this.host.name, { start, abandon }, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alive = false
    for (const group of this.#groups) killGroup(group)
  }

  #closed(): ConnectError {
    const { name } = this.host
    return new ConnectError(name, 'closed', `${name}: the connection is closed: the command was not sent`)
  }
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
