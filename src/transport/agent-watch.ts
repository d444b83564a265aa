/** How long an agent may take: a forwarded one whose other end is gone takes the question and never answers. */
import type { Duplex } from 'node:stream'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'

type Question = 'keys' | 'signature'

/** What it holds it knows at once; for a signature somebody may have to touch a key, or to confirm. */
const LIMITS: Readonly<Record<Question, number>> = { keys: 5_000, signature: 30_000 }

/** Watches over what one login asks of an agent. */
export class AgentWatch {
  readonly #socketPath: string
  readonly #mute: Set<string>
  readonly #streams = new Set<Duplex>()
  #asked: Question = 'keys'
  #isLate = false

  /** `mute`: agents known not to answer; they are shared by all logins, and asked only once. */
  constructor(socketPath: string, mute: Set<string>) {
    this.#socketPath = socketPath
    this.#mute = mute
  }

  /** False: it is known not to answer. */
  mayAsk(): boolean {
    this.#isLate = this.#mute.has(this.#socketPath)
    return !this.#isLate
  }

  /** It has shown its keys; what it is asked next are signatures. */
  answered(): void {
    this.#asked = 'signature'
  }

  /** The stream to it: ended when the answer is late, which whoever reads it takes for a failure. */
  opened(stream: Duplex): void {
    const timer = setTimeout(() => {
      this.#isLate = true
      if (this.#asked === 'keys') this.#mute.add(this.#socketPath)
      stream.destroy()
    }, LIMITS[this.#asked])
    this.#streams.add(stream)
    stream.once('close', () => {
      clearTimeout(timer)
      this.#streams.delete(stream)
    })
  }

  /** The error of a login, and that the agent has a part in it. */
  blame(host: Host, error: unknown): unknown {
    const isAwaited = this.#streams.size > 0
    if (!(error instanceof ConnectError)) return error
    if (error.reason === 'auth' ? !this.#isLate && !isAwaited : !isAwaited || error.reason !== 'timeout') return error
    const what = this.#asked === 'keys' ? 'answer' : 'sign'
    const message = `${error.message}; the agent ${this.#socketPath} does not ${what}`
    const hint = 'ssh-add -l shows whether it lives; SSH_AUTH_SOCK= ctfix … goes without it'
    // Another attempt would wait for the same agent.
    return new ConnectError(host.name, 'auth', message, { hint, cause: error })
  }

  /** What is still open would keep the process from ending. */
  close(): void {
    for (const stream of this.#streams) stream.destroy()
  }
}
