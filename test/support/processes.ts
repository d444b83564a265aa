/** Processes of a test: beside it, and of those that others started. */
import { type SpawnSyncReturns, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Run } from './shells.ts'

export interface Spawned {
  /** The first line it prints. */
  readonly line: Promise<string>
  readonly ended: Promise<Run>
  /** For `ownGroup`. */
  readonly killGroup: () => void
}

export interface SpawnOptions {
  readonly input?: string
  /** Leaves stdin open. */
  readonly hold?: boolean
  readonly cwd?: string
  /** In a process group of its own, which can be killed as one. */
  readonly ownGroup?: boolean
}

/** What a process runs; nothing when it has ended, though nobody may have asked how yet. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** Whether there is such a process, also one that has ended and was not asked how. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A process that runs beside the test. */
export function spawned(
  shell: readonly string[],
  args: readonly string[],
  { input = '', hold = false, cwd, ownGroup = false }: SpawnOptions = {},
): Spawned {
  const child = spawn(shell[0] ?? '', [...shell.slice(1), ...args], { stdio: 'pipe', cwd, detached: ownGroup })
  const said = { stdout: '', stderr: '' }
  const { promise: line, resolve: firstLine } = Promise.withResolvers<string>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
    if (said.stdout.includes('\n')) firstLine(said.stdout.slice(0, said.stdout.indexOf('\n')))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.write(input)
  if (!hold) child.stdin.end()
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ exitCode: code ?? -1, ...said }))
  })
  const killGroup = (): void => {
    // Once it has ended there is no such group any more.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  return { line, ended, killGroup }
}

/** How it ended. */
export function finished(result: SpawnSyncReturns<string>): Run {
  if (result.error) throw result.error
  return { exitCode: result.status ?? -1, stdout: result.stdout, stderr: result.stderr }
}
