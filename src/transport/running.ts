/** One command, whatever carries it: input in, output out under a limit, an end or a deadline. */
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { CommandError, ConnectError } from '../errors.ts'
import { formatBytes } from '../lang/numbers.ts'
import { lastLine } from '../lang/text.ts'
import type { Dialogue, ExecOptions, ExecResult, Follow } from './connection.ts'

/** A stream's limit: far above what any script of ours prints. */
const OUTPUT_LIMIT = 4 * 1024 * 1024

const DEFAULT_DEADLINE_MS = 60_000

/** Longest talk before a command; whoever talks gives up long before. */
const TALK_MS = 300_000

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
  const { stdin = '', deadlineMs = DEFAULT_DEADLINE_MS, signal, talk, follow } = options
  if (signal?.aborted) throw new ConnectError(host, 'aborted', `${host}: stopped before the command was sent`)
  const { promise: givenUp, resolve, reject } = Promise.withResolvers<ExecResult>()
  let isOver = false
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
  let timer = setTimeout(onDeadline, talk ? TALK_MS : deadlineMs)
  signal?.addEventListener('abort', onAbort, { once: true })

  const toEnd = async (): Promise<ExecResult> => {
    const started = await launch.start()
    const tooMuch = (output: Output): void => {
      const said = `${host}: a command printed more than ${formatBytes(OUTPUT_LIMIT)}: ${lastLine(output.text())}`
      giveUp(new CommandError(host, said, result(started.exitCode() ?? -1)))
    }
    const stdout = follow ? passOn(started.stdout, follow) : collect(started.stdout, tooMuch)
    const stderr = collect(started.stderr, tooMuch)
    const result = (exitCode: number): ExecResult => ({ exitCode, stdout: stdout.text(), stderr: stderr.text() })
    running = { started, result }
    // A command may end without reading its input; its exit code says the rest.
    started.stdin.on('error', () => {})
    const goesOn =
      talk === undefined || (await talk(dialogueWith(started, { stdout, stderr, isGivenUp: () => isOver })))
    if (talk && !isOver) {
      clearTimeout(timer)
      timer = setTimeout(onDeadline, deadlineMs)
    }
    if (follow && goesOn) goOn(started.stdin, stdin, follow)
    else started.stdin.end(goesOn ? stdin : undefined)
    const end = await started.ended
    if (typeof end !== 'string') return result(end)
    throw goesOn ? lost(host, end) : new ConnectError(host, 'closed', `${host}: ${end}, before it was begun`)
  }
  try {
    return await Promise.race([toEnd(), givenUp])
  } catch (error) {
    // A talk that failed leaves somebody there who waits for an answer.
    if (talk && !(error instanceof ConnectError)) launch.abandon()
    throw error
  } finally {
    isOver = true
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function goOn(input: Writable, stdin: string, follow: Follow): void {
  input.write(stdin)
  follow.begun(text => {
    if (!input.writable) return
    if (text === null) input.end()
    else input.write(text)
  })
}

function lost(host: string, why: string): ConnectError {
  return new ConnectError(host, 'lost', `${host}: ${why}: what it did is not known`)
}

interface Heard {
  readonly stdout: Output
  readonly stderr: Output
  readonly isGivenUp: () => boolean
}

function dialogueWith(started: Started, { stdout, stderr, isGivenUp }: Heard): Dialogue {
  let told = 0
  let over: 'exit' | 'lost' | null = null
  const ended = started.ended.then(
    end => {
      over = typeof end === 'string' ? 'lost' : 'exit'
    },
    () => {
      over = 'lost'
    },
  )
  return {
    get over() {
      return over ?? (isGivenUp() ? 'lost' : null)
    },
    heard: () => ({ stdout: stdout.text(), stderr: stderr.text() }),
    async next(patienceMs) {
      const { promise: quiet, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, patienceMs)
      if (stdout.size() + stderr.size() === told && !over) {
        await Promise.race([quiet, ended, stdout.more(), stderr.more()])
      }
      clearTimeout(timer)
      const size = stdout.size() + stderr.size()
      if (size === told) return over ? 'ended' : 'quiet'
      told = size
      return 'more'
    },
    say: text => void started.stdin.write(text),
  }
}

interface Output {
  text(): string
  /** Bytes so far. */
  size(): number
  /** Until the next bytes come. */
  more(): Promise<void>
}

/** Keeps nothing; only how much it was, for a dialogue. */
function passOn(stream: Readable, follow: Follow): Output {
  const letters = new StringDecoder('utf8')
  let size = 0
  let next = Promise.withResolvers<void>()
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    follow.heard(letters.write(chunk))
    next.resolve()
    next = Promise.withResolvers()
  })
  return { text: () => '', size: () => size, more: () => next.promise }
}

/** Keeps up to the limit; past it, says so once and lets the rest run through unread. */
function collect(stream: Readable, onTooMuch: (output: Output) => void): Output {
  const chunks: Buffer[] = []
  let size = 0
  let next = Promise.withResolvers<void>()
  const output: Output = {
    text: () => Buffer.concat(chunks).toString('utf8'),
    size: () => size,
    more: () => next.promise,
  }
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    if (size > OUTPUT_LIMIT) return
    size += chunk.length
    if (size <= OUTPUT_LIMIT) chunks.push(chunk)
    else onTooMuch(output)
    next.resolve()
    next = Promise.withResolvers()
  })
  return output
}
