/** Hosts that are watched, measured by a clock of the test. */
import { expect, test } from 'vitest'
import type { Answer } from '../../../../src/run/outside/figures.ts'
import { createLasting } from '../../../../src/run/outside/lasting.ts'
import type { OutsideTools } from '../../../../src/run/outside/outside.ts'
import type { Target } from '../../../../src/run/outside/target.ts'
import { hostOf } from '../../transport/hosts.ts'
import { Hand } from './hand.ts'

const TCP: Target = { kind: 'tcp', port: 443, address: null }
const answered: Answer = { kind: 'answer', ms: 1 }

function toolsOf(clock: Hand, over: Partial<OutsideTools> = {}): OutsideTools {
  return { clock, placeOf: async ({ name }) => ({ address: name }), attempt: async () => answered, ...over }
}

test('nothing is known at once; then the last window is, and all of it', async () => {
  const clock = new Hand()
  using lasting = createLasting([TCP], toolsOf(clock))(hostOf())
  expect(lasting.lately(30_000)).toEqual([{ target: 'tcp:443', address: null, window: null, total: null, why: null }])
  await clock.pass(60_000)
  const [lately] = lasting.lately(30_000)
  expect(lately).toMatchObject({ address: 'web-1', window: { sent: 120, lost: 0, p50: 1 }, total: { sent: 237 } })
})

test('settled: no further tries, those under way are waited for, and all count', async () => {
  const clock = new Hand()
  let tries = 0
  const attempt = async (): Promise<Answer> => {
    tries += 1
    await clock.sleep(3000)
    return { kind: 'lost' }
  }
  using lasting = createLasting([TCP], toolsOf(clock, { attempt }))(hostOf())
  await clock.pass(600)
  expect(lasting.lately(30_000)).toMatchObject([{ window: null, total: null }])
  let settled = false
  const settling = lasting.settle().then(() => {
    settled = true
  })
  await clock.pass(2000)
  expect(settled).toBe(false)
  await clock.pass(2000)
  await settling
  expect(tries).toBe(3)
  expect(lasting.lately(30_000)).toMatchObject([{ window: { sent: 3, lost: 3 }, total: { sent: 3, lost: 3 } }])
})

test('a host that cannot be measured from here says why, and is never tried', async () => {
  const clock = new Hand()
  const why = 'not probed: behind a jump host'
  const attempt = (): Promise<Answer> => Promise.reject(new Error('tried'))
  using lasting = createLasting([TCP], toolsOf(clock, { placeOf: async () => ({ why }), attempt }))(hostOf())
  await clock.pass(5000)
  expect(lasting.lately(30_000)).toEqual([{ target: 'tcp:443', address: null, window: null, total: null, why }])
})

test('all hosts share the turns: a hundred tries a second', async () => {
  const clock = new Hand()
  const measure = createLasting([TCP], toolsOf(clock))
  const all = Array.from({ length: 100 }, (_, i) => measure(hostOf({ name: `web-${i}` })))
  await clock.pass(5000)
  const sent = all.map(lasting => lasting.lately(30_000)[0]?.window?.sent ?? 0)
  expect(sent.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(501)
  expect(Math.min(...sent)).toBeGreaterThanOrEqual(4)
  for (const one of all) one[Symbol.dispose]()
})

test('who looks on for days tries a target once a second, and fifty a second over all hosts', async () => {
  const clock = new Hand()
  const measure = createLasting([TCP], toolsOf(clock, { calm: true }))
  using one = measure(hostOf({ name: 'web' }))
  await clock.pass(10_000)
  const sent = one.lately(30_000)[0]?.window?.sent ?? 0
  expect(sent).toBeGreaterThanOrEqual(9)
  expect(sent).toBeLessThanOrEqual(11)
  const all = Array.from({ length: 100 }, (_, i) => measure(hostOf({ name: `web-${i}` })))
  await clock.pass(4000)
  const tries = all.reduce((sum, lasting) => sum + (lasting.lately(30_000)[0]?.window?.sent ?? 0), 0)
  expect(tries).toBeLessThanOrEqual(201)
  for (const lasting of all) lasting[Symbol.dispose]()
})
