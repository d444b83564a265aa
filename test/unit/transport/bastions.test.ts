/** One connection a jump host: shared, given up when nobody needs it, made again when it breaks. */
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { ConnectError, type ConnectReason } from '../../../src/errors.ts'
import { Secret } from '../../../src/inventory/host.ts'
import { Bastions, type Carrier } from '../../../src/transport/bastions.ts'
import { KnownHosts } from '../../../src/transport/known-hosts.ts'
import { straight } from '../../../src/transport/route.ts'
import { connectError, hostOf, never } from './hosts.ts'

const jump = await straight(await KnownHosts.load([]), 'strict')(hostOf({ name: 'gate' }))
const to = hostOf({ name: 'web-1' })

class FakeCarrier implements Carrier {
  alive = true
  isSilent = false
  readonly streams: Duplex[] = []
  readonly mute: boolean
  constructor(mute = false) {
    this.mute = mute
  }
  forward(): Promise<Duplex> {
    if (this.mute) return new Promise(() => {})
    const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
    this.streams.push(stream)
    return Promise.resolve(stream)
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.alive = false
    return Promise.resolve()
  }
}

const passage = { jump, to, tcpMs: 200, totalMs: 60_000, signal: never }

test('shared by all, closed a moment after the last has left, and opened anew for the next', async () => {
  const made: FakeCarrier[] = []
  const bastions = new Bastions(() => Promise.resolve(made[made.push(new FakeCarrier()) - 1] ?? new FakeCarrier()), {
    lingerMs: 20,
  })
  const streams = await Promise.all([1, 2, 3].map(() => bastions.stream(passage)))
  expect(made).toHaveLength(1)
  for (const stream of streams.slice(1)) stream.destroy()
  await delay(60)
  expect(made[0]?.alive).toBe(true)
  streams[0]?.destroy()
  await expect.poll(() => made[0]?.alive).toBe(false)
  ;(await bastions.stream(passage)).destroy()
  expect(made).toHaveLength(2)
})

test('one that broke is opened again', async () => {
  const made: FakeCarrier[] = []
  const bastions = new Bastions(() => Promise.resolve(made[made.push(new FakeCarrier()) - 1] ?? new FakeCarrier()))
  const first = await bastions.stream(passage)
  if (made[0]) made[0].alive = false
  ;(await bastions.stream(passage)).destroy()
  expect(made).toHaveLength(2)
  first.destroy()
})

test.each<[ConnectReason, number, string | null]>([
  // What does not heal, or locks an account, is not tried again at all; what may, after a while.
  ['auth', 1, 'p'],
  ['auth', 2, null],
  ['protocol', 2, null],
  ['host-key', 1, null],
  ['refused', 2, null],
])('%s at the jump host is every host’s error, as its own', async (reason, tries, password) => {
  const route = { ...jump, host: { ...jump.host, password: password === null ? null : new Secret(password) } }
  let opened = 0
  const bastions = new Bastions(
    () => {
      opened += 1
      return Promise.reject(new ConnectError('gate', reason, 'gate: says no', { hint: 'look there' }))
    },
    { failureMs: 40 },
  )
  for (let i = 0; i < 3; i++) {
    const error = await connectError(bastions.stream({ ...passage, jump: route }), reason)
    expect([error.host, error.message, error.hint]).toEqual(['web-1', 'web-1: through gate: says no', 'look there'])
  }
  expect(opened).toBe(1)
  await delay(50)
  await connectError(bastions.stream({ ...passage, jump: route }), reason)
  expect(opened).toBe(tries)
})

test('a channel that does not open in time, and one nobody waits for any more', async () => {
  const bastions = new Bastions(() => Promise.resolve(new FakeCarrier(true)))
  const late = await connectError(bastions.stream({ ...passage, tcpMs: 20 }), 'timeout')
  expect(late.message).toContain('through gate: no TCP connection was opened there within 0s')
  await connectError(bastions.stream({ ...passage, signal: AbortSignal.timeout(10) }), 'aborted')
})

test('a jump host nobody waits for is not waited for', async () => {
  let stopped = false
  const bastions = new Bastions(
    (_, signal) => {
      signal.addEventListener('abort', () => {
        stopped = true
      })
      return new Promise(() => {})
    },
    { lingerMs: 10 },
  )
  await connectError(bastions.stream({ ...passage, signal: AbortSignal.timeout(10) }), 'aborted')
  await expect.poll(() => stopped).toBe(true)
})

test('one that went silent is left to those who are on it; whoever comes gets another', async () => {
  const made: FakeCarrier[] = []
  const bastions = new Bastions(() => Promise.resolve(made[made.push(new FakeCarrier()) - 1] ?? new FakeCarrier()), {
    lingerMs: 20,
  })
  const before = await bastions.stream(passage)
  if (made[0]) made[0].isSilent = true
  const after = await Promise.all([1, 2, 3].map(() => bastions.stream(passage)))
  expect(made).toHaveLength(2)
  expect(made[0]?.alive).toBe(true)
  expect(made[1]?.streams).toHaveLength(3)
  before.destroy()
  await expect.poll(() => made[0]?.alive).toBe(false)
  expect(made[1]?.alive).toBe(true)
  for (const stream of after) stream.destroy()
  await expect.poll(() => made[1]?.alive).toBe(false)
})

test('a name is looked up by the jump host, which may take its time; nothing longer than all there is', async () => {
  vi.useFakeTimers()
  try {
    const bastions = new Bastions(() => Promise.resolve(new FakeCarrier(true)))
    const patience: boolean[] = []
    const onWait = (waits: boolean): number => patience.push(waits)
    const start = Date.now()
    const ends = async (address: string, totalMs: number): Promise<[string, number]> => {
      const over = connectError(
        bastions.stream({ ...passage, to: hostOf({ address }), tcpMs: 2_500, totalMs, onWait }),
        'timeout',
      )
      return [(await over).message, Date.now() - start]
    }
    const all = Promise.all([ends('web.internal', 60_000), ends('10.0.0.1', 60_000), ends('web.internal', 9_000)])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await all).toEqual([
      [
        'web-1: cannot connect to web.internal:22: through gate: neither its name was looked up nor a TCP connection opened there within 17.5s',
        17_500,
      ],
      ['web-1: cannot connect to 10.0.0.1:22: through gate: no TCP connection was opened there within 2.5s', 2_500],
      [expect.stringContaining('within 9s'), 9_000],
    ])
    // While the jump host itself is waited for, and while it looks up a name, nobody else asks it the same.
    expect(patience).toContain(true)
  } finally {
    vi.useRealTimers()
  }
})

test('a login denied at the jump host: the key named for the host is not one for it, and that is said', async () => {
  const denied = new ConnectError('gate', 'auth', 'gate: login denied', { hint: 'ssh-add -l' })
  const bastions = new Bastions(() => Promise.reject(denied))
  const withKey = { ...passage, to: hostOf({ name: 'web-1', privateKeyFile: '/k' }) }
  expect((await connectError(bastions.stream(withKey), 'auth')).hint).toBe(
    'the key named for web-1 is not tried on jump hosts: for gate IdentityFile in ssh_config, or an agent',
  )
  expect((await connectError(bastions.stream(passage), 'auth')).hint).toBe('ssh-add -l')
})
