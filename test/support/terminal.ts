/** A program in a real terminal: `script` of util-linux makes it, `stty` says how large it is. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quote } from '../../src/lang/sh.ts'

export interface TerminalRun {
  /** What was written, and when. */
  readonly chunks: readonly { readonly ms: number; readonly text: string }[]
  readonly exitCode: number
}

export interface TerminalOptions {
  readonly columns: number
  readonly rows: number
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
  /** Called with everything written so far; what it answers is typed, or changes the size. */
  readonly react?: (
    written: string,
  ) => { readonly type?: string; readonly columns?: number; readonly rows?: number } | null
}

/** Runs a command line in a terminal of its own until it ends. */
export async function inTerminal(command: readonly string[], options: TerminalOptions): Promise<TerminalRun> {
  const { columns, rows, env = {}, timeoutMs = 240_000, react = () => null } = options
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-terminal-'))
  const named = join(directory, 'tty')
  const program = `tty > ${quote(named)}; stty cols ${columns} rows ${rows}; exec ${command.map(quote).join(' ')}`
  const child = spawn('script', ['-qefc', program, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', LC_ALL: '', CI: '', NO_COLOR: '', ...env },
    timeout: timeoutMs,
  })
  const start = performance.now()
  const chunks: { ms: number; text: string }[] = []
  let written = ''
  const answer = (): void => {
    const asked = react(written)
    if (asked?.type !== undefined) child.stdin.write(asked.type)
    if (asked?.columns !== undefined || asked?.rows !== undefined) {
      const size = ['cols', String(asked.columns ?? columns), 'rows', String(asked.rows ?? rows)]
      spawn('stty', ['-F', readFileSync(named, 'utf8').trim(), ...size], { stdio: 'inherit' })
    }
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    chunks.push({ ms: performance.now() - start, text })
    written += text
    answer()
  })
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        if (code === null) reject(new Error(`the terminal was ended by ${signal}: ${written.slice(-2000)}`))
        else resolve(code)
      })
    })
    return { chunks, exitCode }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
