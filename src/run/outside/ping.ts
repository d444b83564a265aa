/**
 * One echo by the system's own `ping`, which may do what we may not: send ICMP without root. A process for each of them,
 * as each has a number of its own, and so is a new entry in the host's table: an echo of a `ping` that runs on belongs to
 * the entry that its first one made, and gets through a table that is full.
 */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { codeOf, messageOf, UsageError } from '../../errors.ts'
import { lastLine } from '../../lang/text.ts'
import type { Answer } from './figures.ts'
import { DEADLINE_MS } from './tcp.ts'

/** What ping has to say of a single echo is two hundred bytes. */
const MOST_BYTES = 16_384

interface Said {
  /** null: it was not run to its end, and says why. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a ping of one echo says: of iputils of any age, and of busybox. */
export function readPing({ exitCode, stdout, stderr }: Said): Answer {
  const received = /^1 packets transmitted, ([01])(?: packets)? received\b/m.exec(stdout)?.[1]
  const ms = /^\d+ bytes from \S+(?: \(\S+\))?: (?:icmp_)?seq=\d+ .*?\btime[=<]([\d.]+) ms/m.exec(stdout)?.[1]
  if (exitCode === 0 && received === '1' && ms !== undefined) return { kind: 'answer', ms: Number(ms) }
  if (exitCode === 1 && received === '0') return { kind: 'lost' }
  const why = lastLine(stderr) || lastLine(stdout) || `exit code ${exitCode}`
  return { kind: 'unmeasured', why: `ping: ${why.replace(/^ping: /, '')}` }
}

/** Sends one, to an address in numbers. */
export async function tryPing(address: string, program = 'ping'): Promise<Answer> {
  return readPing(await run(program, ['-n', '-c', '1', '-W', `${DEADLINE_MS / 1000}`, address]))
}

/** Throws UsageError, before any host is touched, where this machine has no ping that works. */
export async function checkPing(program = 'ping', platform: string = process.platform): Promise<void> {
  // Others take -W for milliseconds: every answer would come too late.
  if (platform !== 'linux') throw new UsageError(`--probe ping: it speaks to the ping of Linux, not of ${platform}`)
  const answer = await tryPing('127.0.0.1', program)
  if (answer.kind !== 'unmeasured') return
  throw new UsageError(`--probe ping: no ping that works on this machine (${answer.why})`, {
    hint: 'install iputils-ping, or measure connections: --probe tcp:PORT',
  })
}

/** Two pipes, and none for what nobody says to it: a watch has twenty of these a second. */
function run(program: string, args: readonly string[]): Promise<Said> {
  const { promise, resolve } = Promise.withResolvers<Said>()
  const failed = (error: unknown): void => resolve({ exitCode: null, stdout: '', stderr: whyNotRun(error) })
  const said = { stdout: '', stderr: '' }
  try {
    const child = spawn(program, args, {
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // It ends by itself before; a process that hangs must not hang us.
      timeout: 2 * DEADLINE_MS,
      killSignal: 'SIGKILL',
    })
    child.once('error', failed)
    child.once('close', (exitCode, signal) => {
      resolve(exitCode === null ? { exitCode, stdout: '', stderr: `ended by ${signal}` } : { exitCode, ...said })
    })
    for (const name of ['stdout', 'stderr'] as const) {
      // Without a file left to open there are none, and the error says so.
      const pipe: Readable | undefined = child[name]
      pipe?.setEncoding('latin1').on('data', (text: string) => {
        said[name] = (said[name] + text).slice(0, MOST_BYTES)
      })
    }
  } catch (error) {
    // Some reasons are thrown at once.
    failed(error)
  }
  return promise
}

function whyNotRun(error: unknown): string {
  return codeOf(error) === 'ENOENT' ? 'there is no such program' : messageOf(error)
}
