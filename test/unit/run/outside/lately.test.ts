import { describe, expect, it } from 'vitest'
import type { Answer, Sample, Stall } from '../../../../src/run/outside/figures.ts'
import { mostOpen } from '../../../../src/run/outside/lasting.ts'
import { latelyOf, type Memory, NOTHING, remember } from '../../../../src/run/outside/lately.ts'

const answered: Answer = { kind: 'answer', ms: 2 }
const lost: Answer = { kind: 'lost' }

function sample(to: number, answer: Answer = answered, from = to - 2): Sample {
  return { part: 'after', from, to, answer }
}

function next(memory: Memory, now: number, samples: readonly Sample[], stalls: readonly Stall[] = []): Memory {
  return remember(memory, { samples, stalls }, { now, windowMs: 30_000 })
}

describe('a series that goes on', () => {
  it('has the share of the last window, and the total of all', () => {
    const first = next(NOTHING, 20_000, [sample(1_000, lost), sample(2_000), sample(3_000, { kind: 'refused', ms: 1 })])
    expect(latelyOf(first)).toMatchObject({
      window: { sent: 3, lost: 1, refused: 1 },
      total: { sent: 3, lost: 1, refused: 1 },
    })
    const second = next(first, 32_500, [sample(25_000), sample(26_000, lost)])
    expect(latelyOf(second)).toMatchObject({
      window: { sent: 3, lost: 1, refused: 1 },
      total: { sent: 5, lost: 2, refused: 1 },
    })
    const third = next(second, 90_000, [])
    expect(latelyOf(third)).toMatchObject({ window: null, total: { sent: 5, lost: 2, refused: 1 } })
    expect(third).toMatchObject({ samples: [], stalls: [], counted: 0 })
  })

  it('keeps no more than a window of it, whatever it lasts', () => {
    let memory = NOTHING
    for (let now = 1_000; now <= 600_000; now += 250)
      memory = next(memory, now, [sample(now)], [{ from: now, to: now }])
    expect(memory.samples).toHaveLength(120)
    expect(memory.stalls.length).toBeLessThanOrEqual(132)
    expect(memory.total.sent).toBe(2397 - 4)
  })

  it('does not count what a stall made late, also where the stall is found out after it', () => {
    const before = next(NOTHING, 5_000, [sample(4_900, lost, 1_900)])
    expect(latelyOf(before).total).toMatchObject({ sent: 0, lost: 0 })
    const found = next(before, 7_000, [sample(5_500)], [{ from: 3_000, to: 4_800 }])
    expect(latelyOf(found)).toMatchObject({
      window: { sent: 1, lost: 0 },
      total: { sent: 1, lost: 0 },
      why: 'this machine was too busy to measure',
    })
    // Once counted it stays: a counter never falls.
    const late = next(next(NOTHING, 5_000, [sample(3_900, lost, 900)]), 6_000, [], [{ from: 2_000, to: 3_000 }])
    expect(latelyOf(late)).toMatchObject({ window: null, total: { sent: 1, lost: 1 } })
  })

  it('that could not be tried is not measured, which is not none lost', () => {
    const memory = next(NOTHING, 5_000, [sample(1_000, { kind: 'unmeasured', why: 'no route' })])
    expect(latelyOf(memory)).toEqual({ window: null, total: null, why: 'no route' })
  })
})

describe('open files of tries', () => {
  const tcp = { kind: 'tcp', port: 443, address: null } as const
  it('are as many as hosts times four, and no more than turns allow', () => {
    expect(mostOpen([], 500)).toBe(0)
    expect(mostOpen([tcp], 3)).toBe(12)
    expect(mostOpen([tcp, { ...tcp, port: 80 }], 500)).toBe(300)
    expect(mostOpen([tcp, { kind: 'ping', address: null }], 500)).toBe(660)
  })
})
