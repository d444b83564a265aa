import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommandError, ConnectError } from '../../../src/errors.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import { persevere } from '../../../src/run/persevere.ts'
import type { Tools } from '../../../src/run/tools.ts'
import type { Connection } from '../../../src/transport/connection.ts'

// Other files run in the same process: what they loaded has the real timers, and what is loaded here must not stay.
vi.hoisted(() => vi.resetModules())
afterAll(() => vi.resetModules())

// Its timers are not among those that vitest replaces.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number, value: unknown) => new Promise(resolve => setTimeout(resolve, ms, value)),
}))

const [host] = loadInventory(['web-1,'], { password: null, become: null }).hosts
if (!host) throw new Error('no host')

const lost = (): ConnectError => new ConnectError('web-1', 'lost', 'web-1: lost')
let opened = 0

function connection(alive = true): Connection {
  return { host: host ?? never(), alive, exec: () => never(), [Symbol.asyncDispose]: async () => {} }
}
function never(): never {
  throw new Error('not asked for')
}
function toolsWith(connect: () => Promise<Connection>, signal = new AbortController().signal): Tools {
  const counted = (): Promise<Connection> => {
    opened += 1
    return connect()
  }
  return { run: 'RUN', connect: counted, emit: () => {}, signal, windowSeconds: 0, revertInSeconds: 60 }
}

describe('a question that may be asked twice', () => {
  beforeEach(() => {
    opened = 0
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is answered over the first connection that lives', async () => {
    const [dead, alive] = [connection(false), connection()]
    const tools = toolsWith(async () => connection())
    expect(await persevere(host, [dead, alive], 0, tools, async asked => asked === alive)).toBe(true)
    expect(opened).toBe(0)
  })

  it('is asked over the next one where the first breaks, and then over new ones', async () => {
    const tools = toolsWith(async () => connection())
    let asked = 0
    const answer = persevere(host, [connection(), connection()], performance.now() + 60_000, tools, async () => {
      asked += 1
      if (asked < 5) throw lost()
      return asked
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect([await answer, opened]).toEqual([5, 3])
  })

  it('over one that is silent is asked beside it, and the first answer counts', async () => {
    const silent = connection()
    const tools = toolsWith(async () => connection())
    const answer = persevere(host, [silent], performance.now() + 60_000, tools, async asked =>
      asked === silent ? new Promise<string>(() => {}) : 'new',
    )
    await vi.advanceTimersByTimeAsync(14_000)
    expect(opened).toBe(0)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([await answer, opened]).toEqual(['new', 1])
  })

  it('over one that was slow still counts while no other connection is had', async () => {
    const slow = connection()
    const tools = toolsWith(() => Promise.reject(new ConnectError('web-1', 'timeout', 'web-1: timeout')))
    const answer = persevere(
      host,
      [slow],
      performance.now() + 60_000,
      tools,
      () => new Promise<string>(resolve => setTimeout(resolve, 18_000, 'slow')),
    )
    await vi.advanceTimersByTimeAsync(19_000)
    expect(await answer).toBe('slow')
  })

  it('is not asked any more over a connection that comes after the answer', async () => {
    const slow = connection()
    const disposed = vi.fn(async () => {})
    const late = { ...connection(), [Symbol.asyncDispose]: disposed }
    const tools = toolsWith(() => new Promise(resolve => setTimeout(resolve, 20_000, late)))
    const asked: Connection[] = []
    const answer = persevere(host, [slow], performance.now() + 60_000, tools, one => {
      asked.push(one)
      return new Promise<string>(resolve => setTimeout(resolve, 18_000, 'slow'))
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await answer).toBe('slow')
    expect(asked).toEqual([slow])
    expect([opened, disposed.mock.calls.length]).toEqual([1, 1])
  })

  it('is given up when the time is over, with the last reason', async () => {
    const tools = toolsWith(() => Promise.reject(new ConnectError('web-1', 'refused', 'web-1: refused')))
    const answer = persevere(host, [], performance.now() + 5_000, tools, async () => 'never')
    const outcome = expect(answer).rejects.toThrow('web-1: refused')
    await vi.advanceTimersByTimeAsync(10_000)
    await outcome
    expect(opened).toBeGreaterThan(3)
  })

  it('is not asked again with a key, a password or a sudo that does not open', async () => {
    for (const error of [
      new ConnectError('web-1', 'auth', 'web-1: auth'),
      new ConnectError('web-1', 'host-key', 'web-1: key'),
      new CommandError('web-1', 'web-1: sudo', { exitCode: 1, stdout: '', stderr: '' }),
    ]) {
      opened = 0
      const tools = toolsWith(() => Promise.reject(error))
      await expect(persevere(host, [], performance.now() + 60_000, tools, async () => 'never')).rejects.toBe(error)
      expect(opened).toBe(1)
    }
  })

  it('is not asked again once somebody wants to leave', async () => {
    const tools = toolsWith(() => Promise.reject(lost()), AbortSignal.abort())
    await expect(persevere(host, [], performance.now() + 60_000, tools, async () => 'never')).rejects.toThrow('lost')
    expect(opened).toBe(1)
  })
})
