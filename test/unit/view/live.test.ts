import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Event, PHASES, type Phase } from '../../../src/run/events.ts'
import { STATUSES, type Status } from '../../../src/run/status.ts'
import { frame, MOST_ROWS, phaseText } from '../../../src/view/frame.ts'
import { liveProgress } from '../../../src/view/live.ts'
import { createPaint } from '../../../src/view/paint.ts'
import { createScreen } from '../../../src/view/screen.ts'
import { createTally, type Tally, TITLES, timeLeft } from '../../../src/view/tally.ts'
import { displayWidth } from '../../../src/view/width.ts'
import { makeOutcome } from '../../support/outcomes.ts'
import { createEmulator } from '../../support/screen.ts'
import { workMs } from '../../support/work.ts'

const paint = createPaint(false)
const phase = (host: string, name: Phase): Event => ({ type: 'phase', host, phase: name })
const outcome = (host: string, status: Status, message?: string): Event => ({
  type: 'outcome',
  host,
  outcome: makeOutcome(status, { host, error: message === undefined ? null : { message, hint: null } }),
})

function counted(events: readonly (readonly [number, Event])[], total: number): Tally {
  const tally = createTally(PHASES, total)
  for (const [ms, event] of events) tally.count(event, ms)
  return tally
}

function rowsOf(tally: Tally, now: number, columns = 80, rows = 24, unicode = true): string[] {
  const titles = [...tally.phases].map(([name, count]) => phaseText(TITLES[name], count))
  return frame(tally, titles, now, { columns, rows }, { paint, unicode })
}

/** A run of many hosts in the middle of it. */
function busy(total = 1000): Tally {
  const tally = createTally(PHASES, total)
  tally.count({ type: 'batch', index: 2, of: 3, hosts: ['web-003', 'web-004', 'web-005'], canary: false }, 0)
  for (let i = 0; i < 500; i++) for (const name of PHASES) tally.count(phase(`web-${i}`, name), i)
  for (let i = 0; i < 490; i++) tally.count(outcome(`web-${i}`, 'changed'), 60_000)
  for (let i = 490; i < 496; i++)
    tally.count(
      outcome(`web-${i}`, 'unreachable', `cannot connect to 10.0.0.${i - 489}:22: connection refused`),
      60_000,
    )
  tally.count(outcome('web-496', 'rolled-back', 'not cured: drops-still: drop +3 in 10 s'), 60_000)
  tally.count(outcome('web-497', 'failed', 'exit code 1'), 60_000)
  return tally
}

describe('the rows of the live view', () => {
  it('say batch, phases, counts, the time left, the slowest hosts and the last problems, in twelve rows', () => {
    expect(rowsOf(busy(), 60_000).join('\n')).toMatchInlineSnapshot(`
      "████████████░░░░░░░░░░░░░░  498 of 1,000 hosts done  49 %  1m, about 1m15s left
      batch 2 of 3: 3 hosts  web-[003-005]
        Connect                              0 now     500 done
        Look                                 0 now     500 done
        Change live values                   0 now     500 done
        Prove it over a new connection       0 now     500 done
      ▸ Write the files that keep it         2 now     490 done       8 failed
      490 changed · 6 unreachable · 1 failed · 1 rolled-back
      slowest: web-498 writing files 1m · web-499 writing files 1m
      unreachable ×6  web-495  connection refused
      rolled-back  web-496  not cured: drops-still: drop +3 in 10 s
      failed  web-497  exit code 1"
    `)
  })

  it('say what is waited for between batches, and why a run stops', () => {
    const gate = { type: 'gate', after: 2, kind: 'bake', detail: '2m' } as const
    const tally = busy()
    tally.count({ ...gate, status: 'begun' }, 60_000)
    expect(rowsOf(tally, 72_000)[1]).toBe('after batch 2: waiting: 2m (12s so far)')
    tally.count({ ...gate, status: 'passed' }, 180_000)
    expect(rowsOf(tally, 180_000)[1]).toBe('batch 2 of 3: 3 hosts  web-[003-005]')
    tally.count({ type: 'stopped', reason: '6 unreachable', notAttempted: ['a', 'b'] }, 180_000)
    expect(rowsOf(tally, 180_000)[1]).toBe('stopping: 6 unreachable; 2 hosts not attempted; 2 hosts still in flight')
  })

  it('do not count the time between batches into the time left', () => {
    const tally = counted(
      [
        [0, phase('a', 'connect')],
        [10_000, outcome('a', 'changed')],
        [10_000, { type: 'gate', after: 1, kind: 'bake', status: 'begun', detail: '1h' }],
      ],
      4,
    )
    expect(timeLeft(tally, 3_000_000)).toBe(30_000)
  })

  it('come back from a foreign letter set without one of ours', () => {
    const text = rowsOf(busy(), 60_000, 60, 24, false).join('')
    expect(text).toMatch(/^[\u0020-\u007e]*$/)
  })

  const anything = fc.array(
    fc.oneof(
      fc.record({
        type: fc.constant('phase' as const),
        host: fc.string({ unit: 'grapheme', maxLength: 30 }),
        phase: fc.constantFrom(...PHASES),
      }),
      fc
        .tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(...STATUSES), fc.string({ unit: 'binary' }))
        .map(([host, status, message]) => outcome(host, status, message)),
      fc.record({
        type: fc.constant('batch' as const),
        index: fc.nat(),
        of: fc.nat(),
        hosts: fc.array(fc.string({ unit: 'grapheme' })),
        canary: fc.boolean(),
      }),
      fc.record({ type: fc.constant('stopped' as const), reason: fc.string(), notAttempted: fc.array(fc.string()) }),
    ),
    { maxLength: 40 },
  )

  it('are never more than twelve, nor than the terminal has, and none as wide as it, whatever happens', () => {
    fc.assert(
      fc.property(
        anything,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 50 }),
        (events, columns, rows) => {
          const tally = counted(
            events.map((event, i) => [i * 100, event]),
            20,
          )
          const shown = rowsOf(tally, 10_000, columns, rows)
          expect(shown.length).toBeGreaterThan(0)
          expect(shown.length).toBeLessThanOrEqual(Math.min(MOST_ROWS, rows))
          for (const row of shown) {
            expect(displayWidth(row)).toBeLessThanOrEqual(Math.max(1, columns - 1))
            expect(row).not.toMatch(/[\n\r\t]/)
          }
          expect(tally.share()).toBeLessThanOrEqual(1)
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each([1, 2, 3, 5, 8])('in %i rows keep what matters most', rows => {
    const wanted = [/of 1,000 hosts done/, /^batch 2/, /490 changed/, /exit code 1/, /▸ Write/]
    const shown = rowsOf(busy(), 60_000, 80, rows)
    for (const row of wanted.slice(0, rows))
      expect(
        shown.some(text => row.test(text)),
        String(row),
      ).toBe(true)
  })
})

describe('an event', () => {
  it('costs next to nothing, among ten thousand hosts as among one thousand', () => {
    const cost = (hosts: number): number => {
      const tally = createTally(PHASES, hosts)
      const events = 20_000
      for (let i = 0; i < hosts; i++) tally.count(phase(`web-${i}`, 'connect'), i)
      const ms = workMs(() => {
        for (let i = 0; i < events; i++)
          tally.count(phase(`web-${i % hosts}`, i % (2 * hosts) < hosts ? 'probe' : 'connect'), i)
      })
      return ms / events
    }
    cost(10_000)
    const [small, large] = [1000, 10_000].map(hosts => Math.min(...[1, 2, 3, 4, 5].map(() => cost(hosts))))
    // To go over ten thousand hosts once takes more than 0.1 ms.
    for (const ms of [small, large]) expect(ms).toBeLessThan(0.02)
  })

  it('that drops a problem of its own on each of ten thousand hosts keeps no list of them', () => {
    const tally = createTally(PHASES, 10_000)
    const ms = workMs(() => {
      for (let i = 0; i < 10_000; i++)
        tally.count(outcome(`web-${i}`, 'failed', `reason ${String.fromCodePoint(0x4e00 + i)}`), i)
    })
    expect(ms).toBeLessThan(1000)
    expect(tally.problems.length).toBeLessThan(10)
  })
})

describe('the screen', () => {
  const stageOf = (columns: number, rows: number) => {
    const emulator = createEmulator(columns, rows)
    const writes: string[] = []
    const terminal = {
      columns,
      rows,
      write(text: string) {
        writes.push(text)
        // What a kernel does with a line break on its way to a terminal.
        emulator.feed(text.replaceAll(/(?<!\r)\n/g, '\r\n'))
      },
    }
    return { emulator, terminal, writes }
  }

  it('draws over what it drew, fewer rows too, and lets others write above', () => {
    const { emulator, terminal, writes } = stageOf(20, 6)
    const screen = createScreen(terminal)
    screen.draw(['one', 'two', 'three'])
    screen.draw(['one', 'two', 'three'])
    expect(writes).toHaveLength(1)
    screen.above('said by others\n')
    screen.draw(['1', '2'])
    expect(emulator.rows()).toEqual(['said by others', '1', '2'])
    screen.above('no end')
    screen.clear()
    terminal.write('recap\n')
    expect(emulator.transcript()).toEqual(['said by others', 'no end', 'recap', ''])
  })

  it('leaves nothing behind at the bottom of the screen, nor when it gets narrower and lower', () => {
    const { emulator, terminal } = stageOf(20, 4)
    const screen = createScreen(terminal)
    for (const line of ['a', 'b', 'c', 'd']) terminal.write(`${line}\n`)
    screen.draw(['x'.repeat(19), 'y'.repeat(19), 'z'])
    expect(emulator.transcript()).toEqual(['a', 'b', 'c', 'd', 'x'.repeat(19), 'y'.repeat(19), 'z'])
    Object.assign(terminal, { columns: 10, rows: 5 })
    emulator.resize(10, 5)
    screen.draw(['p', 'q'])
    expect(emulator.transcript()).toEqual(['a', 'b', 'c', 'd', 'p', 'q'])
  })

  it('is drawn at most ten times a second, however much happens', async () => {
    vi.useFakeTimers()
    try {
      const { terminal, writes } = stageOf(80, 24)
      let now = 0
      const progress = liveProgress(PHASES, 1000, { terminal, paint, unicode: true, clock: () => now })
      await vi.advanceTimersByTimeAsync(0)
      writes.length = 0
      for (let i = 0; i < 1000; i++) {
        now = i
        progress.onEvent(phase(`web-${i}`, 'connect'))
        await vi.advanceTimersByTimeAsync(1)
      }
      expect(writes.length).toBeGreaterThan(8)
      expect(writes.length).toBeLessThanOrEqual(10)
      await progress.settle()
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends with one line, and listens to no signal: what Ctrl-C means is not for a display to decide', async () => {
    const listeners = process.listenerCount('SIGINT')
    const { emulator, terminal } = stageOf(80, 24)
    const progress = liveProgress(PHASES, 3, { terminal, paint, unicode: true, clock: () => 5000 })
    progress.onEvent(phase('a', 'connect'))
    expect(process.listenerCount('SIGINT')).toBe(listeners)
    progress.onEvent(outcome('a', 'changed'))
    progress.onEvent(outcome('b', 'unreachable', 'x'))
    await progress.settle()
    expect(emulator.transcript()).toEqual(['2 of 3 hosts in 0s: 1 changed, 1 unreachable', ''])
  })

  it('goes when the process ends under it, and the prompt that follows has a row of its own', async () => {
    const listeners = process.listenerCount('exit')
    const { emulator, terminal } = stageOf(80, 24)
    terminal.write('$ ctfix apply\n')
    const progress = liveProgress(PHASES, 3, { terminal, paint, unicode: true, clock: () => 5000 })
    progress.onEvent(phase('a', 'connect'))
    expect(emulator.transcript().length).toBeGreaterThan(2)
    process.listeners('exit').at(-1)?.(130)
    expect(emulator.transcript()).toEqual(['$ ctfix apply', ''])
    await progress.settle()
    expect(process.listenerCount('exit')).toBe(listeners)
  })
})
