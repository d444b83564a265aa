/** The product as a process under way: for a test that sends it signals, or answers it. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quote } from '../../../src/lang/sh.ts'
import type { Product, Result } from '../product.ts'

const PROGRAM = fileURLToPath(new URL('../../../bin/ctfix.js', import.meta.url))

export interface Child {
  /** Resolves when stderr so far matches; rejects when the process ends before. */
  says(pattern: RegExp): Promise<void>
  /** Types a line. */
  answer(line: string): void
  interrupt(): void
  /** SIGKILL; resolves when the process is gone. It has then ended with 137, as a shell says. */
  kill(): Promise<void>
  readonly ended: Promise<Result & { readonly elapsedMs: number }>
}

interface ChildOptions {
  readonly timeoutMs?: number
  /** Before a terminal of its own, where a person can be asked; stdout is a file all the same. */
  readonly atTerminal?: boolean
}

/** Starts `ctfix COMMAND ARGS…` with the inventory of this product. One that does not end by itself is killed. */
export function startProgram(
  { directory, inventory }: Product,
  [command = '', ...args]: readonly string[],
  { timeoutMs = 30_000, atTerminal = false }: ChildOptions = {},
): Child {
  const fixed = ['-i', inventory, '--known-hosts', join(directory, 'known_hosts')]
  const words = [PROGRAM, command, ...fixed, '--state-dir', join(directory, 'state'), ...args]
  const output = join(directory, 'stdout')
  const line = `exec ${[process.execPath, ...words].map(quote).join(' ')} >${quote(output)}`
  const start = performance.now()
  const [program, ...rest] = atTerminal ? ['script', '-qec', line, '/dev/null'] : [process.execPath, ...words]
  const child = spawn(program, rest, {
    stdio: 'pipe',
    env: { ...process.env, SSH_AUTH_SOCK: '', NO_COLOR: '1' },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  // Who ends does not read what it is told.
  child.stdin.on('error', () => {})
  if (!atTerminal) child.stdin.end()
  const said = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      said[atTerminal ? 'stderr' : name] += chunk
      for (const listener of listeners) listener()
    })
  }
  const { promise: ended, resolve, reject } = Promise.withResolvers<Awaited<Child['ended']>>()
  child.once('error', reject)
  let killed = false
  child.once('close', (code, signal) => {
    const exitCode = killed && signal === 'SIGKILL' ? 137 : code
    if (atTerminal && existsSync(output)) said.stdout = readFileSync(output, 'utf8')
    if (exitCode === null) reject(new Error(`ctfix ${command} was ended by ${signal}: ${said.stderr}`))
    else resolve({ exitCode, ...said, elapsedMs: performance.now() - start })
  })
  return {
    async says(pattern) {
      const { promise: seen, resolve: see } = Promise.withResolvers<'seen'>()
      const listener = (): void => {
        if (pattern.test(said.stderr)) see('seen')
      }
      listeners.add(listener)
      listener()
      const first = await Promise.race([seen, ended])
      listeners.delete(listener)
      if (first !== 'seen') throw new Error(`it ended without saying ${pattern}: ${said.stderr}`)
    },
    answer: line => child.stdin.write(`${line}\n`),
    interrupt: () => child.kill('SIGINT'),
    async kill() {
      killed = true
      if (atTerminal) process.kill(onlyChildOf(child.pid), 'SIGKILL')
      else child.kill('SIGKILL')
      await ended
    },
    ended,
  }
}

function onlyChildOf(pid: number | undefined): number {
  const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  if (first === '') throw new Error(`process ${pid} has no child`)
  return Number(first)
}
