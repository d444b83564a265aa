/** The product as a process under way: for a test that sends it signals. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Product, Result } from '../product.ts'

const PROGRAM = fileURLToPath(new URL('../../../bin/ctfix.js', import.meta.url))

export interface Child {
  /** Resolves when stderr so far matches; rejects when the process ends before. */
  says(pattern: RegExp): Promise<void>
  interrupt(): void
  readonly ended: Promise<Result & { readonly elapsedMs: number }>
}

/** Starts `ctfix COMMAND ARGS…` with the inventory of this product. One that does not end by itself is killed. */
export function startProgram({ directory, inventory }: Product, [command = '', ...args]: readonly string[]): Child {
  const fixed = [
    '-i',
    inventory,
    '--known-hosts',
    join(directory, 'known_hosts'),
    '--state-dir',
    join(directory, 'state'),
  ]
  const start = performance.now()
  const child = spawn(process.execPath, [PROGRAM, command, ...fixed, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SSH_AUTH_SOCK: '', NO_COLOR: '1' },
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  const said = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  const { promise: ended, resolve, reject } = Promise.withResolvers<Awaited<Child['ended']>>()
  child.once('error', reject)
  child.once('close', (code, signal) => {
    if (code === null) reject(new Error(`ctfix ${command} was ended by ${signal}: ${said.stderr}`))
    else resolve({ exitCode: code, ...said, elapsedMs: performance.now() - start })
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
    interrupt: () => child.kill('SIGINT'),
    ended,
  }
}
