/** One simulated host: what a test scripts, breaks and counts. It costs nothing until somebody connects. */
import type { Readable, Writable } from 'node:stream'

/** A command as it arrived. `sudo` is taken off: the command is what runs inside, `user` who runs it. */
export interface SimRequest {
  readonly host: string
  readonly command: string
  readonly stdin: string
  readonly user: string
  /** Value of SSH_CONNECTION in this session. */
  readonly sshConnection: string
}

export interface SimAnswer {
  readonly stdout?: string | Buffer
  readonly stderr?: string | Buffer
  readonly exitCode: number
}

/** undefined = not scripted, which fails the test. */
export type Answer = (request: SimRequest) => SimAnswer | undefined | Promise<SimAnswer | undefined>

/** A command that goes on: it answers what it is told, until its input ends. */
export type Live = (
  request: Omit<SimRequest, 'stdin'>,
  streams: { readonly input: Readable; readonly output: Writable; readonly end: (exitCode: number) => void },
) => void

/** A file of the host's pretended kernel or disk. */
export interface SimFile {
  readonly content: string
  readonly mode?: number
  readonly owner?: string
}

/** What happens to a new connection. */
export type ConnectFault =
  | 'refuse' // nobody listens; not countable by `times`
  | 'hang' // TCP accepted, then silence
  | 'close' // closed before a word, as MaxStartups does
  | 'reset' // RST before a word
  | 'greet-and-close' // a line of text with escapes in it, then closed
  | 'babble' // no SSH server at all
  | 'stall' // banner, then silence
  | 'wrong-key'
  | 'deny' // no way to log in works
  | 'hang-up-in-login' // closed at the first try to log in

/** What happens to a command. Those that answer still ask the script for the answer. */
export type ExecFault =
  | { readonly kind: 'drop'; readonly afterBytes: number } // connection gone after so much output, without a goodbye
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly chunkMs: number }
  | { readonly kind: 'garbage' } // random bytes in place of the output
  | { readonly kind: 'flood'; readonly bytes: number } // before the output
  | { readonly kind: 'escapes' } // terminal escapes before the output, on both streams
  | { readonly kind: 'signal'; readonly name: string } // killed
  | { readonly kind: 'held-open' } // ended, but a child keeps the output open
  | { readonly kind: 'sudo-refused' }
  | { readonly kind: 'no-sudo' }
  | { readonly kind: 'no-sh' }
  | { readonly kind: 'no-session' } // the server opens no channel

interface Active<Fault> {
  readonly fault: Fault
  left: number
}

export interface SimHostOptions {
  /** Login user; `root` when left out. Another one becomes root through sudo. */
  readonly user?: string
  /** Log in by this password and not by key. */
  readonly password?: string
  /** The password is asked for by keyboard-interactive, as PAM does. */
  readonly asksByKeyboard?: boolean | string
  /** Only the key exchange of OpenSSH 5.3. */
  readonly oldSsh?: boolean
}

export class SimHost {
  readonly name: string
  readonly user: string
  readonly password: string | null
  readonly asksByKeyboard: boolean | string
  readonly oldSsh: boolean
  /** Kernel values and files by path, for answers that want a state; nothing here interprets it. */
  readonly files = new Map<string, SimFile>()
  /** Connections accepted, keys exchanged, requests to log in (a key makes two), commands received. */
  readonly counts = { connections: 0, handshakes: 0, logins: 0, execs: 0 }
  /** Commands that nobody scripted. */
  readonly unscripted: SimRequest[] = []
  /** Every command, in order. */
  readonly requests: SimRequest[] = []
  /** Put in by the lab: closes and opens the door. */
  onRefuse: (refuse: boolean) => Promise<void> = () => Promise.resolve()
  /** Told of the n-th connection when its fate is decided, for a test that waits for it. */
  onGuest: (n: number) => unknown = () => {}
  /** Who takes commands that go on. */
  live: Live | null = null
  #answer: Answer = () => undefined
  #connect: Active<ConnectFault> | null = null
  #exec: Active<ExecFault> | null = null

  constructor(name: string, options: SimHostOptions = {}) {
    this.name = name
    this.user = options.user ?? 'root'
    this.password = options.password ?? null
    this.asksByKeyboard = options.asksByKeyboard ?? false
    this.oldSsh = options.oldSsh ?? false
  }

  /** Scripts every further command. */
  answer(answer: Answer): void {
    this.#answer = answer
  }

  /** Breaks the next `times` connections; all, until healed, when left out. */
  async failConnect(fault: ConnectFault, times = Number.POSITIVE_INFINITY): Promise<void> {
    this.#connect = { fault, left: times }
    await this.onRefuse(fault === 'refuse')
  }

  /** Breaks the next `times` commands. */
  failExec(fault: ExecFault, times = Number.POSITIVE_INFINITY): void {
    this.#exec = { fault, left: times }
  }

  async heal(): Promise<void> {
    this.#connect = null
    this.#exec = null
    await this.onRefuse(false)
  }

  takeConnectFault(): ConnectFault | null {
    return take(this.#connect)
  }

  takeExecFault(): ExecFault | null {
    return take(this.#exec)
  }

  async respond(request: SimRequest): Promise<SimAnswer> {
    this.requests.push(request)
    const answer = await this.#answer(request)
    if (answer) return answer
    this.unscripted.push(request)
    return { exitCode: 254, stderr: `simulated host ${this.name}: nobody scripted: ${request.command}\n` }
  }
}

function take<Fault>(active: Active<Fault> | null): Fault | null {
  if (!active || active.left <= 0) return null
  active.left -= 1
  return active.fault
}
