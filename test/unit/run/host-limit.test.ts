import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ConnectError } from '../../../src/errors.ts'
import { connected } from '../../../src/run/survey.ts'
import type { Tools } from '../../../src/run/tools.ts'
import type { Connection } from '../../../src/transport/connection.ts'
import { hostOf } from '../transport/hosts.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const host = hostOf()

/** A look that takes so many seconds, with this limit: what came of it, when, and whether its connection was closed. */
async function lookOf(seconds: number, hostTimeoutSeconds?: number) {
  let closed = 0
  const connection: Connection = {
    ...{ host, alive: true, exec: () => Promise.reject(new Error('not asked for')) },
    [Symbol.asyncDispose]: async () => {
      closed += 1
    },
  }
  const tools: Tools = {
    ...{ run: 'RUN', emit: () => {}, signal: new AbortController().signal, windowSeconds: 0, revertInSeconds: 60 },
    connect: () => new Promise(resolve => setTimeout(resolve, 50_000, connection)),
    ...(hostTimeoutSeconds !== undefined && { hostTimeoutSeconds }),
  }
  const start = performance.now()
  const look = connected(host, tools, () => new Promise(resolve => setTimeout(resolve, seconds * 1000, 'seen'))).then(
    said => ({ said, closed, ms: performance.now() - start }),
    (error: unknown) => ({ said: error, closed, ms: performance.now() - start }),
  )
  await vi.advanceTimersByTimeAsync(60_000 + seconds * 1000)
  return look
}

it('a host that is looked at in its time stays connected; getting there does not count', async () => {
  expect(await lookOf(29, 30)).toEqual({ said: 'seen', closed: 0, ms: 79_000 })
})

it('one that takes longer is given up, and its connection is closed', async () => {
  const { said, closed, ms } = await lookOf(31, 30)
  expect(said).toBeInstanceOf(ConnectError)
  expect(said).toMatchObject({ reason: 'timeout', message: 'web-1: not looked at within 30s' })
  expect([closed, ms]).toEqual([1, 80_000])
})

it('without a limit it takes as long as it takes', async () => {
  expect(await lookOf(600)).toMatchObject({ said: 'seen', closed: 0 })
})
