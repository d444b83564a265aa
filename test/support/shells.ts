/** The shells our scripts must work under. One that is missing fails by name: a test that did not run is no pass. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const SHELLS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['dash', ['dash']],
  ['busybox', ['busybox', 'sh']],
  ['bash', ['bash', '--posix']],
  ['mksh', ['mksh']],
]

export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
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

/** A directory of its own for one test. */
export function scratch(): string {
  return mkdtempSync(join(tmpdir(), 'ctfix-test-'))
}
