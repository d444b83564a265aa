/** The streams of this process as views see them. */
import type { Writable } from 'node:stream'
import type { Terminal } from './screen.ts'
import type { Streams } from './view.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** `color`: what the flags say. A terminal that cannot go up a line, and the log of a build, get plain lines. */
export function processStreams(color: boolean, env: Environment = process.env): Streams {
  const { stdout, stderr } = process
  // A pipe nobody reads any more is full for ever: nothing is written to it, and nobody waits for it.
  let isGone = false
  stdout.once('error', () => {
    isGone = true
  })
  const able = env.TERM !== 'dumb' && env.TERM !== '' && env.TERM !== undefined
  return {
    out: text => isGone || stdout.write(text),
    drained: () => (isGone ? Promise.resolve() : drained(stdout)),
    err: text => stderr.write(text),
    terminal: stderr.isTTY === true && able && !env.CI ? stderrTerminal() : null,
    color: color && stdout.isTTY === true && able && !env.NO_COLOR,
    unicode: isUnicode(env),
  }
}

/** Resolves when the stream takes more, or never will: who read it may be gone. */
export function drained(stream: Writable): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return Promise.resolve()
  return new Promise(resolve => {
    const over = (): void => {
      for (const name of ['drain', 'close', 'error']) stream.off(name, over)
      resolve()
    }
    for (const name of ['drain', 'close', 'error']) stream.on(name, over)
  })
}

/** As the C library decides it: the first of the three that says anything. */
export function isUnicode(env: Environment): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')
}

function stderrTerminal(): Terminal {
  const { stderr } = process
  const own = stderr.write.bind(stderr)
  return {
    write: text => own(text),
    get columns() {
      return stderr.columns
    },
    get rows() {
      return stderr.rows
    },
    share(above) {
      const before = stderr.write
      stderr.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
        above(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'))
        const told = rest.find(one => typeof one === 'function')
        if (told) process.nextTick(() => told())
        return true
      }
      return () => {
        stderr.write = before
      }
    },
  }
}
