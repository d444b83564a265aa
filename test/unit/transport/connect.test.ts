/** What is said of a connection while it works. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { assemble, type TransportEvent } from '../../../src/transport/connect.ts'
import type { ExecOptions, ExecResult } from '../../../src/transport/connection.ts'
import { hostOf, never } from './hosts.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const done: ExecResult = { exitCode: 0, stdout: '', stderr: '' }

/** What was said of a command that answers after so many milliseconds. */
async function saidOf(ms: number, options: ExecOptions = {}): Promise<readonly string[]> {
  const host = hostOf()
  const said: TransportEvent[] = []
  const connect = assemble(
    async () => ({
      host,
      alive: true,
      exec: () => new Promise(resolve => setTimeout(resolve, ms, done)),
      [Symbol.asyncDispose]: async () => {},
    }),
    { observe: event => said.push(event) },
  )
  const connection = await connect(host, never)
  const answer = connection.exec('true', options)
  await vi.advanceTimersByTimeAsync(ms + 60_000)
  expect(await answer).toBe(done)
  return said.map(({ type }) => type)
}

it('a command that is answered soon is not called silent, at no time', async () => {
  expect(await saidOf(14_000)).toEqual(['attempt', 'handshake', 'exec'])
})

it('one that is not is called silent once', async () => {
  expect(await saidOf(40_000)).toEqual(['attempt', 'handshake', 'exec', 'silent'])
})

it('one that is followed goes on for as long as it likes', async () => {
  expect(await saidOf(40_000, { follow: { begun: () => {}, heard: () => {} } })).toEqual([
    'attempt',
    'handshake',
    'exec',
  ])
})
