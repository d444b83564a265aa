import { describe, expect, it } from 'vitest'
import { ordered, rowOf, sumOf } from '../../../src/watch/row.ts'
import { advance, unseen } from '../../../src/watch/watched.ts'
import { readingOf, watchedWith } from './readings.ts'

describe('a host', () => {
  it('has rates by its own clock, over the last ten seconds', () => {
    const counts = Array.from({ length: 30 }, (_, i) => ({ count: i < 20 ? 100 : 100 + (i - 19) * 10, drops: i * 4 }))
    const row = rowOf(watchedWith('web-1', counts))
    expect(row).toMatchObject({ count: 200, usage: 0.2, rate: 10, secondsToFull: 80, dropsRate: 4, earlyDropsRate: 0 })
    expect(row.trend).toHaveLength(30)
  })

  it('that is looked at once a minute has the rate of the last minute', () => {
    const host = watchedWith('web-1', [
      { uptimeSeconds: 100, count: 0 },
      { uptimeSeconds: 160, count: 60 },
      { uptimeSeconds: 220, count: 180 },
    ])
    expect(rowOf(host).rate).toBe(2)
  })

  it('begins anew after a boot, and a counter that fell is all of since then', () => {
    const booted = watchedWith('web-1', [
      { uptimeSeconds: 5000, count: 900, drops: 70 },
      { uptimeSeconds: 12, count: 10, drops: 2 },
    ])
    expect(rowOf(booted)).toMatchObject({ rate: null, dropsRate: null })
    expect(booted.lost).toEqual({ drops: 2, earlyDrops: 0 })
    const reloaded = watchedWith('web-1', [{ drops: 70 }, { drops: 3 }])
    expect(rowOf(reloaded).dropsRate).toBe(3)
  })

  it('is full, has no limit, or no table', () => {
    expect(rowOf(watchedWith('a', [{ count: 1000 }]))).toMatchObject({ usage: 1, secondsToFull: 0 })
    expect(rowOf(watchedWith('a', [{ max: 0 }]))).toMatchObject({ usage: null, secondsToFull: null })
    expect(rowOf(watchedWith('a', [{ family: null, count: null, max: null }]))).toMatchObject({
      family: null,
      usage: null,
    })
    expect(rowOf(unseen('a'))).toMatchObject({ family: undefined, count: null, rate: null, link: 'connecting' })
  })

  it('counts table-full lines from its first look at the log on', () => {
    const log = (fresh: number, newest: number) => ({ log: { fresh, newest } })
    const host = watchedWith('web-1', [log(40, 900), {}, log(3, 1001), log(0, 1001)])
    expect(host).toMatchObject({ lines: 3, newestLine: 1001 })
    expect(watchedWith('web-1', [{}])).toMatchObject({ lines: null })
  })

  it('keeps its last numbers while it is lost', () => {
    const live = watchedWith('web-1', [{ count: 990 }], 5000)
    const lost = advance(live, { type: 'link', host: 'web-1', link: 'lost', error: 'gone' })
    expect(rowOf(lost)).toMatchObject({ count: 990, link: 'lost', error: 'gone', atMs: 5000 })
    const back = advance(lost, {
      type: 'reading',
      host: 'web-1',
      reading: readingOf({ uptimeSeconds: 1060 }),
      atMs: 65_000,
    })
    expect(rowOf(back)).toMatchObject({ link: 'live', error: null })
  })
})

describe('rows', () => {
  const rows = [
    watchedWith('web-10', [{ count: 950 }, { count: 951 }]),
    watchedWith('web-2', [
      { count: 300, drops: 0 },
      { count: 300, drops: 50 },
    ]),
    watchedWith('web-1', [{ count: 100 }, { count: 180 }]),
    watchedWith('none', [{ family: null, count: null, max: null }]),
    advance(unseen('gone'), { type: 'link', host: 'gone', link: 'unreachable', error: 'no route' }),
  ].map(rowOf)
  const names = (sort: Parameters<typeof ordered>[1]): string[] => ordered(rows, sort).map(({ host }) => host)

  it('stand in order: who drops, who is full, who has no table, whom nobody has seen', () => {
    expect(names('pressure')).toEqual(['web-2', 'web-10', 'web-1', 'none', 'gone'])
    expect(names('rate').slice(0, 2)).toEqual(['web-1', 'web-10'])
    expect(names('drops')[0]).toBe('web-2')
    expect(names('name')).toEqual(['gone', 'none', 'web-1', 'web-2', 'web-10'])
  })

  it('of a host that drops without a limit to be full at, or with one that cannot be read, too', () => {
    const odd = watchedWith('odd', [
      { max: null, drops: 0 },
      { max: null, drops: 9 },
    ])
    expect(
      ordered([...rows, rowOf(odd)], 'pressure')
        .map(({ host }) => host)
        .slice(0, 3),
    ).toEqual([...['web-2', 'odd', 'web-10']])
  })

  it('add up', () => {
    expect(sumOf(rows)).toEqual({ hosts: 5, lost: 1, usage: 0.951, drops: 50, earlyDrops: 0, losing: 1, unanswered: 0 })
  })
})
