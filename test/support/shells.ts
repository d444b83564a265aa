/** The shells our scripts must work under. One that is missing fails by name: a test that did not run is no pass. */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changeLibrary } from '../../src/run/tools.ts'

export const SHELLS: readonly (readonly [name: string, command: readonly string[]])[] = (
  [
    ['dash', ['dash']],
    ['busybox', ['busybox', 'sh']],
    ['bash', ['bash', '--posix']],
    ['mksh', ['mksh']],
  ] as const
).filter(([name]) => chosen(name))

/** All of them, or those that `TEST_SHELLS` names, by commas: what runs before every commit takes one. */
export function chosen(shell: string): boolean {
  const names = process.env.TEST_SHELLS?.split(',') ?? []
  const strange = names.find(name => !['dash', 'busybox', 'bash', 'mksh'].includes(name))
  if (strange !== undefined) throw new Error(`TEST_SHELLS names "${strange}", which is no shell of the tests`)
  return names.length === 0 || names.includes(shell.split(' ')[0] ?? '')
}

export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Starts something that reads this program from its stdin. It is a file there: of a pipe bash and mksh read byte by byte,
 * which takes them longer than to run what they read.
 */
export function withStdin<T>(program: string, start: (stdin: number) => T): T {
  const path = join(makeshift(), `ctfix-stdin-${randomUUID()}`)
  writeFileSync(path, program)
  const stdin = openSync(path, 'r')
  rmSync(path)
  try {
    return start(stdin)
  } finally {
    closeSync(stdin)
  }
}

/** Runs a program on stdin of the shell, as it travels to a host. */
export function runOnStdin(
  [command = 'sh', ...words]: readonly string[],
  program: string,
  args: readonly string[] = [],
): Run {
  const result = spawnSync(command, [...words, '-s', '--', ...args], {
    input: program,
    encoding: 'utf8',
    timeout: 20_000,
  })
  if (result.error) throw result.error
  return { exitCode: result.status ?? -1, stdout: result.stdout, stderr: result.stderr }
}

/** The functions that scripts call; while they wait for a program they look ten times as often whether it has ended. */
export function hastyLibrary(): string {
  return changeLibrary().replaceAll('sleep 0.1 ', 'sleep 0.01 ')
}

/** Where tests make what they throw away: in memory, where nothing waits for a disk, unless it is mounted in one of these ways. */
export function makeshift(...unfit: readonly ('noexec' | 'nodev')[]): string {
  const mounted = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]?.split(',') ?? ['ro']
  return ['ro', ...unfit].some(option => mounted.includes(option)) ? tmpdir() : '/dev/shm'
}

/** A directory of its own for one test. */
export function scratch(): string {
  return mkdtempSync(join(makeshift('noexec'), 'ctfix-test-'))
}
