/** What every transport promises of commands, told once and proved over each of them on a real host. */
import { expect } from 'vitest'
import { CommandError } from '../../src/errors.ts'
import type { Connection } from '../../src/transport/connection.ts'
import { connectError } from '../unit/transport/hosts.ts'

interface Promised {
  readonly name: string
  run(open: () => Promise<Connection>): Promise<void>
}

export const PROMISES: readonly Promised[] = [
  {
    name: 'command, input, both outputs and the exit code arrive, to the byte',
    async run(open) {
      await using connection = await open()
      const stdin = 'printf "%s|" "$@"; printf "no end of line" >&2; printf "ä\\n\\n"; exit 3\n'
      const result = await connection.exec(`/bin/sh -s -- a 'b  c' "\\$d"`, { stdin })
      expect(result).toEqual({ exitCode: 3, stdout: 'a|b  c|$d|ä\n\n', stderr: 'no end of line' })
      expect(await connection.exec('true')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    },
  },
  {
    name: 'every exit code is the command’s own, 255 too',
    async run(open) {
      await using connection = await open()
      for (const code of [1, 126, 127, 130, 254, 255]) {
        expect((await connection.exec('/bin/sh -s', { stdin: `exit ${code}` })).exitCode).toBe(code)
      }
      expect((await connection.exec('exit 255')).exitCode).toBe(255)
      expect((await connection.exec('/nonexistent/program')).exitCode).toBe(127)
      expect(connection.alive).toBe(true)
    },
  },
  {
    name: 'a script larger than any window arrives whole, and one that nobody reads is no failure',
    async run(open) {
      await using connection = await open()
      const stdin = 'ä'.repeat(2_500_000)
      expect((await connection.exec('wc -c', { stdin })).stdout.trim()).toBe('5000000')
      expect((await connection.exec('exit 4', { stdin })).exitCode).toBe(4)
    },
  },
  {
    name: 'commands side by side on one connection',
    async run(open) {
      await using connection = await open()
      const results = await Promise.all(Array.from({ length: 8 }, (_, i) => connection.exec(`echo c${i}; exit ${i}`)))
      expect(results.map(({ stdout, exitCode }) => `${stdout.trim()} ${exitCode}`)).toEqual(
        Array.from({ length: 8 }, (_, i) => `c${i} ${i}`),
      )
    },
  },
  {
    name: 'a command that never ends meets its deadline: what it did is not known',
    async run(open) {
      await using connection = await open()
      const error = await connectError(connection.exec('sleep 60', { deadlineMs: 500 }), 'lost')
      expect(error.message).toMatch(/: gave up on a command after 0\.5s: what it did is not known$/)
    },
  },
  {
    name: 'an exit code counts though a child keeps the output open',
    async run(open) {
      await using connection = await open()
      const result = await connection.exec('sleep 20 & echo out; exit 4', { deadlineMs: 1_500 })
      expect(result).toEqual({ exitCode: 4, stdout: 'out\n', stderr: '' })
    },
  },
  {
    name: 'killed by a signal: there is no exit code',
    async run(open) {
      await using connection = await open()
      const error = await connectError(connection.exec('kill -9 $$'), 'lost')
      expect(error.message).toContain('killed')
    },
  },
  {
    name: 'stopped while a command runs, and before it is sent',
    async run(open) {
      await using connection = await open()
      await connectError(connection.exec('true', { signal: AbortSignal.abort() }), 'aborted')
      expect((await connection.exec('true')).exitCode).toBe(0)
      await connectError(connection.exec('sleep 60', { signal: AbortSignal.timeout(300) }), 'aborted')
    },
  },
  {
    name: 'four megabytes are read, more is refused',
    async run(open) {
      await using connection = await open()
      const print = (bytes: number): string => `head -c ${bytes} /dev/zero | tr '\\0' x`
      expect((await connection.exec(print(4 * 1024 * 1024))).stdout).toHaveLength(4 * 1024 * 1024)
      const error = await connection.exec(print(5 * 1024 * 1024)).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(CommandError)
      expect(String(error)).toContain('a command printed more than 4 MiB')
    },
  },
  {
    name: 'closed: what ran is lost, what comes later is not sent',
    async run(open) {
      const connection = await open()
      const running = connectError(connection.exec('sleep 60'), 'lost')
      await connection.exec('true')
      await connection[Symbol.asyncDispose]()
      await running
      expect(connection.alive).toBe(false)
      const error = await connectError(connection.exec('true'), 'closed')
      expect(error.message).toContain('was not sent')
    },
  },
]
