/** One process of ssh that holds a connection, in a private directory of its own; both end with whoever started it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmdir, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * The shell around ssh ends it, and removes the directory, when its own input ends: also when this process is killed.
 * With it goes the group: the watch, and a ProxyCommand that heeds no end of its input, which ssh leaves behind.
 * A shell says on stderr that a signal ended ssh, and where nobody reads that any more, it would die of it.
 * ssh gets no input and, in a session of its own, no terminal: it can ask nobody, and Ctrl-C is not for it.
 */
const KEEPER = `
exec 3<&0
directory=$1; shift
"$@" </dev/null 3<&- & ssh=$!
exec 2>/dev/null
{ cat <&3; kill "$ssh"; } >/dev/null &
wait "$ssh"; code=$?
rm -rf "$directory"
trap '' TERM; kill 0
exit "$code"`

/** A path of a socket has room for about a hundred bytes, and ssh adds 17 while it makes one. */
const LONGEST_BASE = 60

/** How long a polite goodbye may take. */
const GOODBYE_MS = 500

export class OpensshMaster {
  readonly socket: string
  /** Settles with its exit code when it is gone. */
  readonly ended: Promise<number>
  /** What kept it from being started. */
  notStarted: Error | null = null
  readonly #directory: string
  readonly #child: ChildProcess
  #stderr = ''
  #isOver = false

  /** `argsFor` gets the path of the socket; `onLine` hears each line that ssh prints. */
  constructor(
    argsFor: (socket: string) => readonly string[],
    options: { readonly env: NodeJS.ProcessEnv; readonly onLine: (line: string) => void },
  ) {
    this.#directory = mkdtempSync(join(tmpdir().length > LONGEST_BASE ? '/tmp' : tmpdir(), 'ctfix-'))
    this.socket = join(this.#directory, 's')
    const words = ['-c', KEEPER, 'sh', this.#directory, 'ssh', ...argsFor(this.socket)]
    this.#child = spawn('/bin/sh', words, { detached: true, stdio: ['pipe', 'ignore', 'pipe'], env: options.env })
    const { promise, resolve } = Promise.withResolvers<number>()
    this.ended = promise
    const over = (code: number | null): void => {
      this.#isOver = true
      this.#child.stdin?.destroy()
      remove(this.#directory)
      resolve(code ?? 255)
    }
    this.#child.once('error', error => {
      this.notStarted = error
      over(127)
    })
    this.#child.once('close', over)
    this.#child.stdin?.on('error', () => {})
    let rest = ''
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      // Whoever holds a connection for hours need not hold what its server says meanwhile.
      if (this.#stderr.length < 100_000) this.#stderr += chunk
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) options.onLine(line)
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The connection stands and takes commands: ssh makes the socket when it is logged in. */
  get isReady(): boolean {
    return !this.#isOver && existsSync(this.socket)
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Ends it, politely first. */
  async end(): Promise<void> {
    if (this.#isOver) return
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.kill(), GOODBYE_MS)
    await this.ended
    clearTimeout(timer)
  }

  /** Ends it at once, and everything it started. */
  kill(): void {
    if (this.#isOver || this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
}

/** Where there is no open file left even to look into it, it is empty still, for nothing could be started. */
function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch {
    rmdir(directory, () => {})
  }
}
