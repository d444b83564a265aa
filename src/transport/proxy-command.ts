/** ProxyCommand: a program of this machine whose input and output are the connection. */
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import { cannotConnect } from './failure.ts'
import { joinStream } from './joined-stream.ts'
import { spawnGuarded } from './spawn-piped.ts'

/** What a command says on its way out is kept for the error of the login that fails by it. */
const said = new WeakMap<Duplex, () => Promise<{ readonly words: string; readonly isMissing: boolean }>>()
/** It has closed its output; its last words may take another moment. */
const LAST_WORDS_MS = 300

/** Starts it; that it cannot do its work shows as a stream that ends. Throws ConnectError. */
export function openCommand(host: Host, command: string): Duplex {
  // A command may be a pipe of several programs, and all have to go.
  const child = spawnGuarded(host, command)
  const end = (): void => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // Already gone.
    }
  }
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-2000)
  })
  child.on('error', error => {
    words = error.message
  })
  const stream = joinStream({ readable: child.stdout, writable: child.stdin, end })
  const over = new Promise<void>(resolve => child.once('close', () => resolve()))
  said.set(stream, async () => {
    await Promise.race([over, delay(LAST_WORDS_MS, undefined, { ref: false })])
    // The shell's own codes: there is no such program, or it may not be run.
    return { words: lastLine(words), isMissing: child.exitCode === 126 || child.exitCode === 127 }
  })
  return stream
}

/** The error of a login over a stream, with what its command said of it. */
export async function withCommandWords(host: Host, error: unknown, stream: Duplex): Promise<unknown> {
  if (!(error instanceof ConnectError) || error.reason !== 'closed') return error
  const { words = '', isMissing = false } = (await said.get(stream)?.()) ?? {}
  if (words === '') return error
  // Another attempt would find no program either.
  const reason = isMissing ? 'protocol' : 'closed'
  return cannotConnect(host, reason, `its ProxyCommand ended: ${words}`, { cause: error })
}
