/** Connecting again, on a clock of the test's own: nothing here waits. */
import { expect, test } from 'vitest'
import { ConnectError, type ConnectReason } from '../../../src/errors.ts'
import { type Attempt, type Limits, limitsOf } from '../../../src/transport/attempt.ts'
import type { Connection } from '../../../src/transport/connection.ts'
import { retrying } from '../../../src/transport/retry.ts'
import { connectError, hostOf, never } from './hosts.ts'

const opened: Connection = {
  host: hostOf(),
  alive: true,
  exec: () => Promise.reject(new Error('not here')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

/** A host that answers attempt n (from 1), each failed attempt taking as long as `takes` says. */
function network(answer: (n: number, limits: Limits) => ConnectReason | null, takes: (limits: Limits) => number) {
  let time = 0
  const seen: Limits[] = []
  const pauses: number[] = []
  const attempt: Attempt = (host, _signal, limits) => {
    if (!limits) throw new Error('no limits')
    seen.push(limits)
    const reason = answer(seen.length, limits)
    if (reason === null) return Promise.resolve(opened)
    time += takes(limits)
    return Promise.reject(new ConnectError(host.name, reason, `${host.name}: no luck`))
  }
  const options = {
    now: () => time,
    random: () => 0.5,
    sleep: (ms: number) => {
      pauses.push(ms)
      time += ms
      return Promise.resolve()
    },
  }
  return { attempt, options, seen, pauses, now: () => time }
}

test('a full table: a lost SYN asks for another draw, many times within a minute', async () => {
  const net = network(
    () => 'timeout',
    limits => limits.tcpMs,
  )
  const error = await connectError(retrying(net.attempt, net.options)(hostOf(), never), 'timeout')
  expect(net.seen.length).toBeGreaterThanOrEqual(20)
  expect(net.now()).toBeLessThanOrEqual(60_000)
  expect(error.message).toBe(`web-1: no luck (${net.seen.length} attempts in ${Math.round(net.now() / 1000)}s)`)
})

test('gets in at the eighth draw', async () => {
  const net = network(
    n => (n < 8 ? 'timeout' : null),
    limits => limits.tcpMs,
  )
  expect(await retrying(net.attempt, net.options)(hostOf(), never)).toBe(opened)
  expect(net.now()).toBeLessThan(25_000)
})

test.each([8, 12, 25, 35])('a host that needs %i s to speak is let in within the budget', async seconds => {
  const net = network(
    (_n, limits) => (limits.bannerMs >= seconds * 1000 ? null : 'timeout'),
    limits => limits.bannerMs,
  )
  await retrying(net.attempt, net.options)(hostOf(), never)
  expect(net.now() + seconds * 1000).toBeLessThan(60_000)
})

test('the first attempt is patient, later ones are draws; none passes what is left', () => {
  expect(limitsOf(1, 60_000)).toMatchObject({ tcpMs: 2_500, bannerMs: 60_000, loginMs: 60_000, totalMs: 60_000 })
  expect(limitsOf(2, 50_000)).toMatchObject({ tcpMs: 2_500, bannerMs: 10_000, loginMs: 30_000, totalMs: 50_000 })
  expect(limitsOf(9, 2_000)).toEqual({ tcpMs: 2_000, bannerMs: 2_000, loginMs: 2_000, totalMs: 2_000 })
})

/** Attempts that stay silent; the `lucky` one opens, all others wait until they are given up. */
function lottery(lucky: number, speaks: (n: number) => boolean = () => false) {
  let launched = 0
  let open = 0
  let most = 0
  const attempt: Attempt = (host, signal, limits) => {
    launched += 1
    const n = launched
    if (n === lucky) return Promise.resolve(opened)
    if (speaks(n)) queueMicrotask(() => limits?.onSpeaking?.())
    open += 1
    most = Math.max(most, open)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        open -= 1
        reject(new ConnectError(host.name, 'aborted', `${host.name}: stopped`))
      })
    })
  }
  return { attempt, seen: () => ({ launched, open, most }) }
}

test('a silent host is tried again beside the first attempt, at most four at once, and none is left over', async () => {
  const draw = lottery(9)
  expect(await retrying(draw.attempt, { silenceMs: 5 })(hostOf(), never)).toBe(opened)
  expect(draw.seen()).toEqual({ launched: 9, open: 0, most: 4 })
})

test('a host that has begun to speak is waited for, not tried again', async () => {
  const draw = lottery(2, () => true)
  const stop = new AbortController()
  const connecting = retrying(draw.attempt, { silenceMs: 5 })(hostOf(), stop.signal)
  await new Promise(resolve => setTimeout(resolve, 60))
  expect(draw.seen().launched).toBe(1)
  stop.abort()
  await connectError(connecting, 'aborted')
})

test('refused: three tries, soon after each other', async () => {
  const net = network(
    () => 'refused',
    () => 1,
  )
  const error = await connectError(retrying(net.attempt, net.options)(hostOf(), never), 'refused')
  expect(net.seen).toHaveLength(3)
  expect(error.message).toMatch(/\(3 attempts in 1s\)$/)
})

test('closed before the banner: throttled, so with growing pauses', async () => {
  const net = network(
    n => (n < 6 ? 'closed' : null),
    () => 10,
  )
  await retrying(net.attempt, net.options)(hostOf(), never)
  expect(net.pauses).toEqual([250, 500, 1000, 2000, 4000])
})

test.each(['auth', 'host-key', 'dns', 'protocol', 'lost', 'aborted'] as const)(
  '%s is never tried again',
  async reason => {
    const net = network(
      () => reason,
      () => 1,
    )
    const error = await connectError(retrying(net.attempt, net.options)(hostOf(), never), reason)
    expect(net.seen).toHaveLength(1)
    expect(error.message).toBe('web-1: no luck')
  },
)

test('the budget of the host goes before that of the run', async () => {
  const net = network(
    () => 'timeout',
    limits => limits.tcpMs,
  )
  await connectError(retrying(net.attempt, net.options)(hostOf({ connectTimeoutMs: 6_000 }), never), 'timeout')
  expect(net.now()).toBeLessThanOrEqual(6_000)
})
