/** How many logins go through one door at once, and what it learns when sshd drops some. */
import { expect, test, vi } from 'vitest'
import { createDoors, Door, type Passed, type Slot } from '../../../src/transport/doors.ts'
import { retrying } from '../../../src/transport/retry.ts'
import { createRoutes } from '../../../src/transport/route.ts'
import { connectError, hostOf, never } from './hosts.ts'

const host = hostOf()

async function fill(door: Door, count: number): Promise<Slot[]> {
  return await Promise.all(Array.from({ length: count }, () => door.enter(host, never)))
}

test('so many at once, the others in their turn', async () => {
  const door = new Door({ start: 2, most: 2 })
  const [first, second] = await fill(door, 2)
  const order: string[] = []
  const later = ['a', 'b'].map(async name => {
    const slot = await door.enter(host, never)
    order.push(name)
    return slot
  })
  expect(door.tryEnter()).toBeNull()
  first?.release('other')
  await later[0]
  expect(order).toEqual(['a'])
  // A slot is given back once, whatever is said of it afterwards.
  first?.release('other')
  await new Promise(resolve => setTimeout(resolve, 5))
  expect(order).toEqual(['a'])
  second?.release('other')
  await later[1]
  expect(order).toEqual(['a', 'b'])
})

test('a host that was let in before goes before those that were not', async () => {
  const door = new Door({ start: 1, most: 1 })
  const order: string[] = []
  const connect = retrying(
    ({ name }) => {
      order.push(name)
      return Promise.resolve({
        host,
        alive: true,
        exec: () => Promise.reject(new Error('none')),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
    },
    { wayTo: () => Promise.resolve({ budgetMs: null, door }) },
  )
  const to = (name: string) => connect(hostOf({ name }), never)
  await to('changed')
  const held = await door.enter(host, never)
  const waiting = ['new-1', 'new-2', 'changed'].map(to)
  await new Promise(resolve => setTimeout(resolve, 5))
  held.release('in')
  await Promise.all(waiting)
  expect(order).toEqual(['changed', 'changed', 'new-1', 'new-2'])
})

test('who goes first and is stopped leaves the queue, too; a free place goes to nobody before them', async () => {
  const door = new Door({ start: 1, most: 1 })
  const [held] = await fill(door, 1)
  const stop = new AbortController()
  const stopped = door.enter(host, stop.signal, 'first')
  const first = door.enter(host, never, 'first')
  const later = door.enter(host, never)
  stop.abort()
  await connectError(stopped, 'aborted')
  held?.release('in')
  expect(door.tryEnter()).toBeNull()
  ;(await first).release('in')
  ;(await later).release('in')
  expect(door.tryEnter()).not.toBeNull()
})

test('drops halve it, several of one rush once; logins raise it again, up to the most', async () => {
  const door = new Door({ start: 8, most: 8 })
  const rush = await fill(door, 8)
  for (const slot of rush) slot.release('dropped')
  expect(door.limit).toBe(4)
  const pass = async (passed: Passed): Promise<number> => {
    ;(await door.enter(host, never)).release(passed)
    return door.limit
  }
  expect([await pass('dropped'), await pass('dropped'), await pass('dropped')]).toEqual([2, 1, 1])
  expect([await pass('other'), await pass('in'), await pass('in'), await pass('in')]).toEqual([1, 2, 2, 3])
  for (let i = 0; i < 100; i++) await pass('in')
  expect(door.limit).toBe(8)
})

test('a host that hangs gives its place up after a while', async () => {
  vi.useFakeTimers()
  try {
    const door = new Door({ start: 1, most: 1, holdMs: 1000 })
    const hung = await door.enter(host, never)
    const waiting = door.enter(host, never)
    await vi.advanceTimersByTimeAsync(1000)
    const slot = await waiting
    // What becomes of the hung one in the end is still a lesson.
    slot.release('other')
    hung.release('dropped')
    expect(door.limit).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

test('who is stopped while waiting leaves the queue', async () => {
  const door = new Door({ start: 1, most: 1 })
  const [first] = await fill(door, 1)
  const stop = new AbortController()
  const waiting = door.enter(host, stop.signal)
  const next = door.enter(host, never)
  stop.abort()
  await connectError(waiting, 'aborted')
  first?.release('in')
  ;(await next).release('in')
  expect(door.tryEnter()).not.toBeNull()
})

test('a door is an address and port, a jump host, or a proxy command before its host is filled in', async () => {
  const resolve = createRoutes({ configFile: 'none' })
  const doors = createDoors()
  const doorOf = async (address: string, options: [string, string][] = [], port = 22) =>
    doors(await resolve(hostOf({ address, port, ssh: { said: ['port'], options, configFile: null } })))
  const jump: [string, string] = ['proxyjump', 'gate']
  const command: [string, string] = ['proxycommand', 'nc %h %p']
  expect(await doorOf('a')).toBe(await doorOf('a'))
  expect(await doorOf('a')).not.toBe(await doorOf('a', [], 23))
  expect(await doorOf('a', [jump])).toBe(await doorOf('b', [jump]))
  expect(await doorOf('a', [jump])).not.toBe(await doorOf('gate'))
  expect(await doorOf('a', [command])).toBe(await doorOf('b', [command]))
})
