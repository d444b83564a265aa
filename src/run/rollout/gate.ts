/** A command on this machine that decides whether the next batch begins: its exit code is the answer. */
import { type ChildProcess, spawn } from 'node:child_process'
import { messageOf } from '../../errors.ts'
import { lastLine } from '../../lang/text.ts'
import type { GateCommand } from './gate-command.ts'

export interface GateSettings {
  readonly command: GateCommand
  /** Beside those of this process; a fleet's names are too many for it, and go to stdin, one a line. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
  readonly limitMs: number
  /** Ends it at once. */
  readonly stop: AbortSignal
}

export interface GateAnswer {
  readonly passed: boolean
  readonly detail: string
}

/** Of what it says, so much is kept, and so much of its last lines is shown: every host that is left out repeats it. */
const KEPT = 8192
const SHOWN_LINES = 5
const SHOWN_LETTERS = 160
/** For what it said last to come through. */
const LAST_WORDS_MS = 500

/** Asks. Never rejects: a command that cannot be run says no, too. */
export async function askGate(settings: GateSettings): Promise<GateAnswer> {
  const { command } = settings
  try {
    return await answerOf(spawned(settings), settings)
  } catch (error) {
    // A machine with no process or no open file to spare.
    return { passed: false, detail: `${command.shown}: ${messageOf(error)}` }
  }
}

function spawned({ command, env }: GateSettings): ChildProcess {
  // A group of its own, so that all of it can be ended, and Ctrl-C is ours to tell it.
  return spawn('/bin/sh', ['-c', command.reveal()], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function answerOf(child: ChildProcess, { command, stdin, limitMs, stop }: GateSettings): Promise<GateAnswer> {
  let said = ''
  // A child that could not be made has none of them, and says why as an event.
  const outputs = [child.stdout, child.stderr].filter(stream => stream !== null && stream !== undefined)
  for (const stream of outputs) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT)
    })
  }
  // Who does not read what it is told is no fault.
  child.stdin?.on('error', () => {}).end(stdin)
  return new Promise(resolve => {
    let ended: string | null = null
    const end = (why: string): void => {
      ended ??= why
      endGroup(child.pid)
    }
    const onStop = (): void => end('interrupted')
    const timer = setTimeout(() => end(`no answer in ${limitMs / 1000} s`), limitMs)
    const settle = (fault: string | null): void => {
      clearTimeout(timer)
      for (const stream of outputs) stream.destroy()
      stop.removeEventListener('abort', onStop)
      const why = ended ?? fault
      const { shown } = command
      resolve({
        passed: why === null,
        detail: why === null ? shown : `${shown}: ${why}${lastLines(command.mask(said))}`,
      })
    }
    if (stop.aborted) onStop()
    else stop.addEventListener('abort', onStop, { once: true })
    child.once('error', error => settle(error.message))
    child.once('exit', (code, signal) => {
      const answer = (): void => settle(code === 0 ? null : code === null ? `ended by ${signal}` : `exit code ${code}`)
      // What it left running in the background may hold its output open for ever.
      child.once('close', answer)
      setTimeout(answer, LAST_WORDS_MS).unref()
    })
  })
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended in this moment.
  }
}

function lastLines(text: string): string {
  const lines = text
    .trim()
    .split('\n')
    .slice(-SHOWN_LINES)
    .map(line => lastLine(line, SHOWN_LETTERS))
  return lines.join('') === '' ? '' : `\n${lines.join('\n')}`
}
