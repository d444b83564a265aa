/** One host over one connection: one command that goes on, asked once an interval. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { CommandError, ConnectError, ProbeError } from '../errors.ts'
import { lastLine } from '../lang/text.ts'
import { type Connection, SILENCE_MS } from '../transport/connection.ts'
import { QUESTION, watchProgram } from './program.ts'
import { parseReading, type Reading, ReadingError, readingLines } from './reading.ts'

export interface FollowOptions {
  readonly intervalMs: number
  readonly signal: AbortSignal
  /** The newest table-full line known, in seconds since boot. */
  readonly newestLine: () => number
  /** False: that was enough. */
  readonly onReading: (reading: Reading) => boolean
}

/** The kernel's log is a process more, and never as urgent. */
const LOG_EVERY_MS = 10_000
/** Such a command has no deadline of its own; this is the longest that a timer knows. */
const NO_DEADLINE_MS = 2_147_483_647

/** Until it was enough. Rejects with ConnectError when the connection is lost, with CommandError or ProbeError for what asking again would not help. */
export async function follow(connection: Connection, options: FollowOptions): Promise<void> {
  const pace = new Pace(options.intervalMs)
  for (;;) {
    const { enough, readings } = await followOnce(connection, options, pace)
    if (enough) return
    const { name } = connection.host
    if (readings === 0) throw new ProbeError(name, `${name}: the host said nothing of its table`)
    // Where no command can go on (behind a terminal), one more is sent for every look.
    await delay(pace.untilNext(), undefined, { signal: options.signal }).catch(() => {})
  }
}

/** When to ask next: a late answer does not shift all that follow. */
class Pace {
  readonly #intervalMs: number
  readonly #start = performance.now()
  #loggedAt = Number.NEGATIVE_INFINITY
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }
  untilNext(): number {
    const passed = performance.now() - this.#start
    return (Math.floor(passed / this.#intervalMs) + 1) * this.#intervalMs - passed
  }
  question(): string {
    const now = performance.now()
    if (now - this.#loggedAt < LOG_EVERY_MS) return QUESTION.look
    this.#loggedAt = now
    return QUESTION.log
  }
}

async function followOnce(
  connection: Connection,
  { signal, newestLine, onReading }: FollowOptions,
  pace: Pace,
): Promise<{ readonly enough: boolean; readonly readings: number }> {
  const nonce = randomBytes(8).toString('hex')
  const broken = new AbortController()
  let [enough, readings] = [false, 0]
  let failure: unknown
  let say: (text: string | null) => void = () => {}
  let timer: NodeJS.Timeout | undefined
  const fail = (error: unknown): void => {
    failure ??= error
    broken.abort()
  }
  const wait = (): void => {
    timer = setTimeout(() => fail(silent(connection)), SILENCE_MS)
  }
  const hear = readingLines(nonce, line => {
    if (enough || failure !== undefined) return
    readings += 1
    enough = !onReading(parseReading(line))
    clearTimeout(timer)
    if (enough) {
      say(null)
      wait()
      return
    }
    timer = setTimeout(() => {
      say(pace.question())
      wait()
    }, pace.untilNext())
  })
  const heard = (text: string): void => {
    try {
      hear(text)
    } catch (error) {
      fail(error instanceof ReadingError ? unreadable(connection, error) : error)
    }
  }
  const begun = (how: typeof say): void => {
    say = how
    // The first look takes in the log, unasked.
    pace.question()
    wait()
  }
  try {
    const { command, stdin } = watchProgram(nonce, newestLine())
    const either = AbortSignal.any([signal, broken.signal])
    const result = await connection.exec(command, {
      ...{ stdin, signal: either, deadlineMs: NO_DEADLINE_MS },
      follow: { begun, heard },
    })
    heard(result.stdout)
    if (failure !== undefined && !enough) throw failure
    if (!enough && result.exitCode !== 0) throw ended(connection, result)
    return { enough, readings }
  } catch (error) {
    // Nobody waits for the goodbye of a host that has said all.
    if (enough) return { enough, readings }
    throw failure ?? error
  } finally {
    clearTimeout(timer)
  }
}

function silent({ host: { name } }: Connection): ConnectError {
  return new ConnectError(name, 'lost', `${name}: no answer for ${SILENCE_MS / 1000}s`)
}

function unreadable({ host: { name } }: Connection, cause: ReadingError): ProbeError {
  return new ProbeError(name, `${name}: what the host says of its table cannot be read: ${cause.message}`, { cause })
}

function ended(
  { host: { name } }: Connection,
  result: { exitCode: number; stdout: string; stderr: string },
): CommandError {
  const why = lastLine(result.stderr)
  const message = `${name}: the program that looks at the table ended with ${result.exitCode}${why === '' ? '' : `: ${why}`}`
  return new CommandError(name, message, result)
}
