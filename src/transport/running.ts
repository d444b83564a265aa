/** One command, whatever carries it: input in, output out under a limit, an end or a deadline. */
import type { Readable, Writable } from 'node:stream'
import { CommandError, ConnectError } from '../errors.ts'
import { formatBytes } from '../lang/numbers.ts'
import { lastLine } from '../lang/text.ts'
import type { ExecOptions, ExecResult } from './connection.ts'

/** A stream's limit: far above what any script of ours prints. */
const OUTPUT_LIMIT = 4 * 1024 * 1024

const DEFAULT_DEADLINE_MS = 60_000

/** A command under way. */
export interface Started {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when the command is over and its output is complete: an exit code, or words on why there is none. */
  readonly ended: Promise<number | string>
  /** The exit code as soon as it is known; output may still be held open by a process the command left behind. */
  exitCode(): number | undefined
}

export interface Launch {
  /** Rejects when the command was not started. */
  start(): Promise<Started>
  /** Time is up, the run is stopped, or there is too much output: drop it, so that nothing is left waiting here. */
  abandon(): void
}

/** Runs a command to its end. What it rejects with is the contract of Connection.exec. */
export async function runCommand(host: string, launch: Launch, options: ExecOptions = {}): Promise<ExecResult> {
  const { stdin = '', deadlineMs = DEFAULT_DEADLINE_MS, signal } = options
  if (signal?.aborted) throw new ConnectError(host, 'aborted', `${host}: stopped before the command was sent`)
  const { promise: givenUp, resolve, reject } = Promise.withResolvers<ExecResult>()
  let running: { readonly started: Started; readonly result: (exitCode: number) => ExecResult } | undefined
  const giveUp = (error: ConnectError | CommandError): void => {
    launch.abandon()
    reject(error)
  }
  const onDeadline = (): void => {
    const exitCode = running?.started.exitCode()
    if (running && exitCode !== undefined) {
      launch.abandon()
      resolve(running.result(exitCode))
    } else {
      giveUp(lost(host, `gave up on a command after ${deadlineMs / 1000}s`))
    }
  }
  const onAbort = (): void => giveUp(new ConnectError(host, 'aborted', `${host}: stopped while a command ran`))
  const timer = setTimeout(onDeadline, deadlineMs)
  signal?.addEventListener('abort', onAbort, { once: true })

  const toEnd = async (): Promise<ExecResult> => {
    const started = await launch.start()
    const tooMuch = (output: Output): void => {
      const said = `${host}: a command printed more than ${formatBytes(OUTPUT_LIMIT)}: ${lastLine(output.text())}`
      giveUp(new CommandError(host, said, result(started.exitCode() ?? -1)))
    }
    const stdout = collect(started.stdout, tooMuch)
    const stderr = collect(started.stderr, tooMuch)
    const result = (exitCode: number): ExecResult => ({ exitCode, stdout: stdout.text(), stderr: stderr.text() })
    running = { started, result }
    // A command may end without reading its input; its exit code says the rest.
    started.stdin.on('error', () => {})
    started.stdin.end(stdin)
    const end = await started.ended
    if (typeof end === 'string') throw lost(host, end)
    return result(end)
  }
  try {
    return await Promise.race([toEnd(), givenUp])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function lost(host: string, why: string): ConnectError {
  return new ConnectError(host, 'lost', `${host}: ${why}: what it did is not known`)
}

interface Output {
  text(): string
}

/** Keeps up to the limit; past it, says so once and lets the rest run through unread. */
function collect(stream: Readable, onTooMuch: (output: Output) => void): Output {
  const chunks: Buffer[] = []
  let size = 0
  const output: Output = { text: () => Buffer.concat(chunks).toString('utf8') }
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    if (size > OUTPUT_LIMIT) return
    size += chunk.length
    if (size <= OUTPUT_LIMIT) chunks.push(chunk)
    else onTooMuch(output)
  })
  return output
}
