/** The prober by a clock of its own: when it tries, how often, and what belongs to which part. */
import { expect, test } from 'vitest'
import { createTurns } from '../../../../src/run/outside/clock.ts'
import type { Answer } from '../../../../src/run/outside/figures.ts'
import { createOutside, type Measuring, type OutsideTools } from '../../../../src/run/outside/outside.ts'
import type { Target } from '../../../../src/run/outside/target.ts'
import { hostOf } from '../../transport/hosts.ts'
import { Hand } from './hand.ts'

const TCP: Target = { kind: 'tcp', port: 443, address: null }
const PING: Target = { kind: 'ping', address: null }

interface Bench {
  readonly clock: Hand
  /** When each try began. */
  readonly times: number[]
  readonly tools: OutsideTools
}

function bench(answer: (n: number, clock: Hand) => Promise<Answer> | Answer): Bench {
  const clock = new Hand()
  const times: number[] = []
  return {
    clock,
    times,
    tools: {
      clock,
      // Each host has an address of its own.
      placeOf: async ({ name }) => ({ address: name }),
      attempt: async () => {
        times.push(clock.now())
        return answer(times.length - 1, clock)
      },
    },
  }
}

const answered: Answer = { kind: 'answer', ms: 1 }

async function lostAfter(clock: Hand): Promise<Answer> {
  await clock.sleep(3000)
  return { kind: 'lost' }
}

test('four tries a second, each in the part in which it began', async () => {
  const { clock, tools, times } = bench(() => answered)
  using measuring = createOutside([TCP], tools).begin(hostOf(), 'before')
  await clock.pass(999)
  expect(times).toEqual([0, 250, 500, 750])
  measuring.enter('during')
  await clock.pass(500)
  measuring.enter('after')
  await clock.pass(1000)
  const [probed] = await measuring.probed()
  expect(probed).toMatchObject({ target: 'tcp:443', address: 'web-1', why: null })
  expect([probed?.before?.sent, probed?.during?.sent, probed?.after?.sent]).toEqual([4, 2, 4])
})

test('a part that was never entered has no figures', async () => {
  const { clock, tools } = bench(() => answered)
  using measuring = createOutside([TCP], tools).begin(hostOf(), 'after')
  await clock.pass(300)
  expect(await measuring.probed()).toMatchObject([{ before: null, during: null, after: { sent: 2 } }])
})

test('what is under way is waited for and counted; no more than four at a time', async () => {
  const { clock, tools, times } = bench((_, hand) => lostAfter(hand))
  using measuring = createOutside([TCP], tools).begin(hostOf(), 'after')
  await clock.pass(2900)
  expect(times).toEqual([0, 250, 500, 750])
  const probed = measuring.probed()
  await clock.pass(1000)
  expect(await probed).toMatchObject([{ after: { sent: 4, lost: 4 } }])
  expect(times.slice(4)).toEqual([3000, 3250, 3500, 3750])
})

test('what comes after a stop is part of nothing', async () => {
  const { clock, tools, times } = bench(() => answered)
  using measuring = createOutside([TCP], tools).begin(hostOf(), 'after')
  await clock.pass(400)
  measuring.stop()
  await clock.pass(5000)
  expect(times).toEqual([0, 250])
  expect(await measuring.probed()).toMatchObject([{ after: { sent: 2 } }])
})

test('when it is disposed of it ends', async () => {
  const { clock, tools, times } = bench(() => answered)
  const measuring = createOutside([TCP], tools).begin(hostOf(), 'after')
  await clock.pass(400)
  measuring[Symbol.dispose]()
  await clock.pass(5000)
  expect(times).toEqual([0, 250])
})

test('a hundred hosts cost no more tries a second than a few, and all get their share', async () => {
  const { clock, tools } = bench(() => answered)
  const outside = createOutside([TCP], tools)
  const all = Array.from({ length: 100 }, (_, i) => outside.begin(hostOf({ name: `web-${i}` }), 'after'))
  await clock.pass(5000)
  const sent = await Promise.all(all.map(async one => (await one.probed())[0]?.after?.sent ?? 0))
  expect(sent.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(501)
  expect(Math.min(...sent)).toBeGreaterThanOrEqual(4)
  for (const one of all) one[Symbol.dispose]()
})

test('what was lost while this process stood still is not counted', async () => {
  const { clock, tools } = bench((n, hand) => (n === 0 ? lostAfter(hand) : answered))
  using measuring = createOutside([TCP], tools).begin(hostOf(), 'after')
  await clock.pass(100)
  clock.stall(2000)
  await clock.pass(3000)
  const [probed] = await measuring.probed()
  expect(probed?.after?.lost).toBe(0)
  expect(probed?.after?.sent).toBeGreaterThan(5)
  expect(probed?.why).toBe('this machine was too busy to measure')
})

test('a host that cannot be probed from here is never tried, and says why; the others are', async () => {
  const { clock, tools, times } = bench(() => answered)
  const placeOf: OutsideTools['placeOf'] = async (_, { kind }) =>
    kind === 'ping' ? { why: 'not probed: behind a jump host' } : { address: '192.0.2.7' }
  using measuring = createOutside([PING, TCP], { ...tools, placeOf }).begin(hostOf(), 'before')
  await clock.pass(240)
  expect(await measuring.probed()).toMatchObject([
    { target: 'ping', address: null, before: null, why: 'not probed: behind a jump host' },
    { target: 'tcp:443', address: '192.0.2.7', before: { sent: 1 } },
  ])
  expect(times).toHaveLength(1)
})

test('one address that stands for a hundred hosts is tried as often as for one, and all hear of it', async () => {
  const { clock, tools, times } = bench(n => (n % 3 === 2 ? { kind: 'lost' } : answered))
  const outside = createOutside([{ ...TCP, address: '192.0.2.80' }], {
    ...tools,
    placeOf: async () => ({ address: '192.0.2.80' }),
  })
  const all: Measuring[] = []
  // They do not begin at the same moment.
  for (let i = 0; i < 100; i += 1) {
    all.push(outside.begin(hostOf({ name: `web-${i}` }), 'after'))
    await clock.pass(7)
  }
  await clock.pass(10_000)
  expect(times.length).toBeLessThanOrEqual(10.7 * 4 + 1)
  const heard = await Promise.all(all.map(async one => (await one.probed())[0]?.after))
  for (const figures of heard) {
    expect(figures?.sent).toBeGreaterThanOrEqual(35)
    expect(figures?.lost).toBeGreaterThan(0)
  }
  for (const one of all) one[Symbol.dispose]()
})

test('a host hears of each try once, also where a timer comes a moment early', async () => {
  const { clock, tools, times } = bench(() => answered)
  const early = { now: clock.now, sleep: (ms: number) => clock.sleep(Math.max(0, ms - 2)) }
  using measuring = createOutside([TCP], { ...tools, clock: early }).begin(hostOf(), 'after')
  await clock.pass(5000)
  expect((await measuring.probed())[0]?.after?.sent).toBe(times.length)
})

test('turns: who was idle has collected none', async () => {
  const clock = new Hand()
  const turns = createTurns(10, clock)
  await turns()
  await clock.pass(10_000)
  const got: number[] = []
  for (let i = 0; i < 3; i += 1) void turns().then(() => got.push(clock.now()))
  await clock.pass(1000)
  expect(got).toEqual([10_000, 10_100, 10_200])
})
