import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ConnectError, ProbeError } from '../../../src/errors.ts'
import type { Host } from '../../../src/inventory/host.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import type { Event } from '../../../src/run/events.ts'
import { eachHost, type HostResult } from '../../../src/run/fleet.ts'
import type { Outcome } from '../../../src/run/status.ts'

const { hosts } = loadInventory(['a,b,c,d,'], { user: 'me' })
const names = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ host }) => host)

function run(
  work: (host: Host) => Promise<HostResult>,
  { among = hosts, forks = 2, stop = new AbortController().signal, emit = (_: Event): void => {} } = {},
): Promise<Outcome[]> {
  return eachHost(among, { forks, stop, emit }, work)
}

describe('the fleet', () => {
  it('keeps the order of the hosts, whoever ends first', async () => {
    const ended: string[] = []
    const outcomes = await run(
      async ({ name }) => {
        await sleep(name === 'a' ? 20 : 1)
        ended.push(name)
        return { status: 'ok' }
      },
      { forks: 4 },
    )
    expect(names(outcomes)).toEqual(['a', 'b', 'c', 'd'])
    expect(ended.at(-1)).toBe('a')
  })

  it('works on no more hosts at once than it has forks', async () => {
    let now = 0
    let most = 0
    await run(async () => {
      most = Math.max(most, ++now)
      await sleep(1)
      now -= 1
      return { status: 'ok' }
    })
    expect(most).toBe(2)
  })

  it('begins nobody while who reads is behind; who has pressed Ctrl-C waits for nobody', async () => {
    const begun: string[] = []
    const stop = new AbortController()
    const { promise: taken, resolve: take } = Promise.withResolvers<void>()
    const turns = [Promise.resolve(), taken, new Promise<void>(() => {}), new Promise<void>(() => {})]
    const all = eachHost(
      hosts,
      { forks: 1, stop: stop.signal, emit: () => {}, ready: () => turns.shift() ?? Promise.resolve() },
      async ({ name }) => {
        begun.push(name)
        return { status: 'ok' }
      },
    )
    await sleep(20)
    expect(begun).toEqual(['a'])
    take()
    await sleep(20)
    expect(begun).toEqual(['a', 'b'])
    stop.abort()
    expect((await all).map(({ status }) => status)).toEqual(['ok', 'ok', 'skipped', 'skipped'])
  })

  it('tells of every outcome as it comes', async () => {
    const told: string[] = []
    await run(async () => ({ status: 'changed' }), {
      emit: event => told.push(`${event.type} ${'host' in event && event.host}`),
    })
    expect(told.toSorted()).toEqual(['outcome a', 'outcome b', 'outcome c', 'outcome d'])
  })

  it('fills in what the work leaves out', async () => {
    const [first] = await run(async () => ({ status: 'ok' }))
    expect(first).toMatchObject({ cause: null, facts: null, plan: null, checks: [], error: null })
    expect(first?.elapsedMs).toBeGreaterThanOrEqual(0)
  })

  it('never lets a bug in the work of one host hurt the others', async () => {
    const outcomes = await run(({ name }) => {
      if (name === 'a') throw new TypeError('not even a promise')
      return name === 'b' ? Promise.reject(new RangeError('oops')) : Promise.resolve({ status: 'ok' })
    })
    expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'failed', 'ok', 'ok'])
    expect(outcomes[1]?.error?.message).toMatch(/^a bug of ctfix: RangeError: oops/)
  })

  it('says of each exception what it means for the host', async () => {
    const outcomes = await run(async ({ name }) => {
      if (name === 'a') throw new ConnectError('a', 'timeout', 'a: timed out', { hint: 'wait' })
      if (name === 'b') throw new ProbeError('b', 'b: cut off')
      if (name === 'c') throw new ConnectError('c', 'aborted', 'c: aborted')
      throw 'text'
    })
    expect(outcomes.map(({ status, cause, error }) => [status, cause, error?.message])).toEqual([
      ['unreachable', null, 'timed out'],
      ['failed', null, 'cut off'],
      ['skipped', 'interrupted', 'interrupted before it was touched'],
      ['failed', null, 'a bug of ctfix: text'],
    ])
    expect(outcomes[0]?.error?.hint).toBe('wait')
  })

  it('never starts a host that is excluded, and says why', async () => {
    const among = hosts.map(host => (host.name === 'b' ? { ...host, exclude: 'support case' } : host))
    const started: string[] = []
    const outcomes = await run(
      async ({ name }) => {
        started.push(name)
        return { status: 'ok' }
      },
      { among },
    )
    expect(started).toEqual(['a', 'c', 'd'])
    expect(outcomes[1]).toMatchObject({
      status: 'skipped',
      cause: 'excluded',
      error: { message: 'excluded: support case' },
    })
  })

  it('starts no further host once it was told to stop; those in flight go on', async () => {
    const stop = new AbortController()
    const outcomes = await run(
      async ({ name }) => {
        if (name === 'b') stop.abort()
        await sleep(1)
        return { status: 'changed' }
      },
      { stop: stop.signal },
    )
    expect(outcomes.map(({ status, cause }) => [status, cause])).toEqual([
      ['changed', null],
      ['changed', null],
      ['skipped', 'interrupted'],
      ['skipped', 'interrupted'],
    ])
  })
})
