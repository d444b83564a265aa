/** Our end of the side door: scripts go in over the guest's second serial port, their output comes out. */
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Inspection } from '../lab.ts'

/** What a script may take when the caller names no limit. An emulated guest is slow, a hanging one must not hang us. */
const DEFAULT_TIMEOUT_MS = 60_000

/** The guest ends an overdue script itself; only when it does not answer even then is the door broken. */
const GRACE_MS = 15_000

export class DoorBroken extends Error {
  override readonly name = 'DoorBroken' as const
}

interface Frame {
  readonly header: RegExpExecArray
  readonly bodyStart: number
}

export class Door {
  readonly #line: Duplex
  #received: Buffer[] = []
  #wake: () => void = () => undefined
  #closed = false
  /** Scripts run one after the other, in the order asked. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(line: Duplex) {
    this.#line = line
    line.on('data', (chunk: Buffer) => {
      this.#received.push(chunk)
      this.#wake()
    })
    const close = () => {
      this.#closed = true
      this.#wake()
    }
    line.on('close', close).on('error', close)
  }

  /** Exit code 124 is a script that was ended because its time was over, as with timeout(1). */
  run(script: string, options: { readonly timeoutMs?: number; readonly graceMs?: number } = {}): Promise<Inspection> {
    const result = this.#turn.then(() => this.#exchange(script, options))
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** Like run, for scripts that must succeed: their stdout, or an error that carries what they said. */
  async mustRun(script: string, timeoutMs?: number): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(script, timeoutMs === undefined ? {} : { timeoutMs })
    if (exitCode === 0) return stdout
    throw new Error(`guest script ended with ${exitCode}: ${stderr.trim() || stdout.trim()}`)
  }

  /** Resolves when somebody answers behind the door, which is early in a boot and long before sshd. */
  async waitUntilAnswered(deadline: number): Promise<void> {
    for (;;) {
      const answer = await this.run(':', { timeoutMs: 500, graceMs: 500 }).catch((error: unknown) => error)
      if (!(answer instanceof Error)) return
      if (this.#closed || Date.now() > deadline) throw answer
    }
  }

  async #exchange(
    script: string,
    options: { readonly timeoutMs?: number; readonly graceMs?: number },
  ): Promise<Inspection> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    // Answers to earlier questions may still arrive; the nonce tells them from this one's.
    const nonce = randomBytes(16).toString('hex')
    const body = Buffer.from(script)
    this.#received = []
    this.#line.write(Buffer.concat([Buffer.from(`\n!door ${nonce} ${body.length} ${timeoutMs / 1000}\n`), body]))
    const deadline = Date.now() + timeoutMs + (options.graceMs ?? GRACE_MS)
    const pattern = new RegExp(`!door ${nonce} (\\d+) (\\d+) (\\d+)\\n`)
    for (;;) {
      const data = Buffer.concat(this.#received)
      this.#received = [data]
      const answer = readAnswer(data, pattern)
      if (answer !== null) return answer
      if (this.#closed) throw new DoorBroken('the machine behind the side door is gone')
      if (Date.now() >= deadline) throw new DoorBroken('the side door does not answer')
      await this.#moreData(deadline - Date.now())
    }
  }

  #moreData(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function readAnswer(data: Buffer, pattern: RegExp): Inspection | null {
  const frame = findFrame(data, pattern)
  if (frame === null) return null
  const [, exitCode, outLength, errLength] = frame.header.map(Number)
  const outEnd = frame.bodyStart + (outLength ?? 0)
  const end = outEnd + (errLength ?? 0)
  if (data.length < end) return null
  return {
    stdout: data.toString('utf8', frame.bodyStart, outEnd),
    stderr: data.toString('utf8', outEnd, end),
    exitCode: exitCode ?? 255,
  }
}

/** Positions are bytes, so the search is done in an encoding with one character each. */
function findFrame(data: Buffer, pattern: RegExp): Frame | null {
  const header = pattern.exec(data.toString('latin1'))
  return header === null ? null : { header, bodyStart: header.index + header[0].length }
}
