/** QEMU's machine protocol, as much of it as the lab uses. */
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'

interface Reply {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
  readonly event?: string
  readonly QMP?: unknown
}

export class Monitor {
  readonly #line: Duplex
  readonly #waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = []
  #closed = false

  constructor(line: Duplex) {
    this.#line = line
    createInterface({ input: line })
      .on('line', text => this.#onReply(JSON.parse(text) as Reply))
      .on('error', () => undefined)
    // A QEMU that goes away resets the line; whoever waits then hears of it.
    line.on('close', () => this.#onClose())
  }

  /** QEMU answers nothing else before this. */
  async open(): Promise<void> {
    await this.#execute('qmp_capabilities')
  }

  /** A command of the human monitor: its text. An error there is text too. */
  async human(command: string): Promise<string> {
    return String(await this.#execute('human-monitor-command', { 'command-line': command })).trim()
  }

  #execute(execute: string, args: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error('QEMU is gone'))
      this.#waiting.push({ resolve, reject })
      this.#line.write(`${JSON.stringify({ execute, arguments: args })}\n`)
    })
  }

  #onReply(reply: Reply): void {
    if (reply.event !== undefined || reply.QMP !== undefined) return
    const asked = this.#waiting.shift()
    if (reply.error === undefined) asked?.resolve(reply.return)
    else asked?.reject(new Error(reply.error.desc))
  }

  #onClose(): void {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('QEMU is gone'))
  }
}
