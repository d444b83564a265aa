import { beforeEach, describe, expect, it, vi } from 'vitest'
import { enterAlternate, type Keyboard } from '../../../src/view/alternate.ts'
import { createPaint } from '../../../src/view/paint.ts'
import { short, sparkline } from '../../../src/view/watch-cells.ts'
import { fitting, type Screenful, screenful } from '../../../src/view/watch-frame.ts'
import { type Display, FIRST, keysOf, press } from '../../../src/view/watch-keys.ts'
import { layoutFor, tableText } from '../../../src/view/watch-table.ts'
import { displayWidth } from '../../../src/view/width.ts'
import { ordered, type Row, rowOf } from '../../../src/watch/row.ts'
import { advance, unseen, type Watched } from '../../../src/watch/watched.ts'
import { createEmulator } from '../../support/screen.ts'
import { latelyOfTries, watchedWith } from '../watch/readings.ts'

const look = { paint: createPaint(false), unicode: true }

function hosts(n: number): Row[] {
  return Array.from({ length: n }, (_, i) => rowOf(watchedWith(`web-${i + 1}`, [{ count: i }, { count: i + 1 }], 0)))
}

const lose = (watched: Watched, error: string): Watched =>
  advance(watched, { type: 'link', host: watched.host, link: 'lost', error })

function screen(over: Partial<Screenful> = {}): Screenful {
  return {
    ...{ display: FIRST, size: { columns: 80, rows: 24 }, intervalSeconds: 2, note: null, nowMs: 3000, look },
    ...over,
  }
}

const show = (display: Partial<Display>): Display => ({ ...FIRST, ...display })

describe('the screen', () => {
  it.each([
    [80, 24],
    [200, 60],
    [60, 10],
    [40, 5],
    [20, 3],
    [10, 2],
    [1, 1],
  ])('of %i × %i is never overfull, with any number of hosts', (columns, rows) => {
    for (const n of [1, 2, rows, rows + 1, 200]) {
      for (const display of [
        FIRST,
        show({ scrolled: 7 }),
        show({ help: true }),
        show({ typing: true, filter: 'web' }),
      ]) {
        const shown = screenful(hosts(n), screen({ display, size: { columns, rows } }))
        expect(shown.length).toBeLessThanOrEqual(rows)
        for (const row of shown) expect(displayWidth(row)).toBeLessThan(Math.max(2, columns))
      }
    }
  })

  it('has the worst host first, and sums up those that do not fit', () => {
    const rows = [
      ...hosts(40),
      rowOf(watchedWith('db-1', [{ drops: 0 }, { drops: 120 }])),
      rowOf(lose(watchedWith('db-2', [{ count: 990 }]), 'no answer for 15s')),
    ]
    const shown = screenful(rows, screen({ nowMs: 45_000 }))
    expect(shown).toHaveLength(24)
    expect(shown[0]).toBe('42 hosts · 41 live · 1 lost · 1 losing · 120 drops/s · 0 early/s · every 2s')
    expect(shown[2]).toMatch(/^db-1 .* 50 +0 .* 120 /)
    expect(shown[3]).toMatch(/^db-2 .* 99 .*lost 45s$/)
    expect(shown.at(-2)).toBe('… 22 more · fullest 2 % · no drops')
  })

  it('scrolls, and says how many are above', () => {
    const shown = screenful(hosts(50), screen({ display: show({ sort: 'name', scrolled: 10 }) }))
    expect(shown[2]).toMatch(/^web-11 /)
    expect(shown.at(-2)).toContain('30 more (10 above)')
    expect(screenful(hosts(50), screen({ display: show({ sort: 'name', scrolled: 900 }) })).at(-3)).toMatch(/^web-50 /)
  })

  it('shows whom the filter leaves, and why there is nothing to show of a host', () => {
    const gone = rowOf(lose(unseen('db-1'), 'cannot connect to \u001b[2J192.0.2.1:22'))
    const shown = screenful([...hosts(5), gone], screen({ display: show({ filter: 'DB' }) }))
    expect(shown[0]).toContain('1 of 6 hosts')
    expect(shown[2]).toBe('db-1  cannot connect to \\x1b[2J192.0.2.1:22')
    expect(shown.at(-1)).toMatch(/ \/DB$/)
  })

  it('gives up columns by their rank where it is narrow, names last', () => {
    const titles = (width: number): string[] => layoutFor(hosts(3), width).columns.map(({ title }) => title)
    expect(titles(200)).toHaveLength(10)
    expect(titles(79)).toEqual(['usage', '%', 'rate/s', 'full in', 'drops/s', 'early/s', 'trend', 'lines', 'seen'])
    expect(titles(60)).toEqual(['usage', '%', 'rate/s', 'full in', 'drops/s', 'trend', 'seen'])
    expect(titles(30)).toEqual(['%', 'drops/s', 'seen'])
    expect(titles(4)).toEqual([])
  })

  it('has its help whole at 80 × 24', () => {
    const shown = screenful(hosts(3), screen({ display: show({ help: true }) }))
    expect(shown.join('\n')).not.toContain('…')
    for (const { title } of layoutFor(hosts(1), 300).columns.slice(3))
      expect(shown.slice(2).join('\n')).toContain(title)
  })

  it('leaves out the domain that all of them are of', () => {
    const named = (...names: string[]): Row[] => names.map(name => rowOf(watchedWith(name, [{}])))
    const first = (rows: Row[]): string => screenful(rows, screen())[2] ?? ''
    expect(first(named('web-1.example.net', 'db-1.example.net'))).toMatch(/^web-1 █/)
    expect(first(named('a.x.example.net', 'b.y.example.net'))).toMatch(/^a\.x +█/)
    expect(first(named('10.0.0.1', '11.0.0.1'))).toMatch(/^10\.0\.0\.1 /)
    expect(first(named('web-1.example.net'))).toMatch(/^web-1\.exampl/)
    expect(first(named('example.net', 'a.example.net'))).toMatch(/^example {3}/)
  })

  it('says nothing by colour alone, and has ASCII for terminals that know no more', () => {
    const rows = [
      rowOf(
        watchedWith('web-1', [
          { count: 900, drops: 0 },
          { count: 950, drops: 9 },
        ]),
      ),
    ]
    const plain = screenful(rows, screen()).join('\n')
    const painted = screenful(rows, screen({ look: { paint: createPaint(true), unicode: true } })).join('\n')
    expect(painted).toContain('\u001b[31m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(plain)
    const ascii = screenful(rows, screen({ look: { ...look, unicode: false } })).join('\n')
    expect(ascii).toMatch(/^[\n -~]*$/)
  })
})

describe('cells', () => {
  it('are short', () => {
    expect([0, 9999, 12_345, 1_500_000, 4_000_000_000].map(short)).toEqual(['0', '9999', '12k', '2M', '4G'])
    // At whatever height: a full table that stays full must not look like an empty one.
    expect(sparkline([1, 1, 1], 8)).toBe('▄▄▄')
    expect(sparkline([0, 50, 100], 8)).toBe('▁▄█')
    // A hundredth more or less is no trend.
    expect(sparkline([1000, 1005], 8)).toBe('▄▅')
    expect(sparkline([], 8)).toBe('')
  })

  it('of a whole table have room for all', () => {
    const text = tableText(hosts(2), { nowMs: 1000, look })
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^host +usage +% +count \/ max +rate\/s full in drops\/s early\/s trend +lines seen$/),
      expect.stringMatching(/^web-1 ░{8} +0 +1 \/ 1,000 +\+1\.0 +16m +0 +0 ▁█ +now$/),
      expect.stringMatching(/^web-2 /),
      '',
    ])
  })
})

describe('as seen from here', () => {
  const probed = (name: string, ...tries: Parameters<typeof latelyOfTries>[0][]): Row =>
    rowOf(advance(watchedWith(name, [{}]), { type: 'probe', host: name, probes: tries.map(latelyOfTries) }))
  const cellsOf = (row: Row): string[] =>
    layoutFor([row], 300)
      .columns.filter(({ title }) => title === 'loss' || title.startsWith('ms'))
      .map(({ cell }) => cell(row, 0))

  it('loss and latency are columns only where something is measured, and loss stays longest', () => {
    const titles = (width: number): string[] => layoutFor([probed('a', {})], width).columns.map(({ title }) => title)
    expect(titles(300)).toHaveLength(12)
    expect(titles(79)).toEqual(expect.arrayContaining(['loss', 'ms mid/max']))
    expect(titles(60)).toContain('loss')
    expect(titles(60)).not.toContain('ms mid/max')
    expect(titles(28)).toEqual(['%', 'drops/s', 'loss'])
  })

  it.each([
    ['none lost', [{ sent: 40 }], ['0%', '1.2/31']],
    ['some lost', [{ sent: 40, lost: 10 }], ['25%', '1.2/31']],
    ['little is not nothing', [{ sent: 3000, lost: 1 }], ['0.1%', '1.2/31']],
    ['all lost', [{ sent: 8, lost: 8, p50: null, worst: null }], ['100%', '']],
    ['refused', [{ sent: 8, refused: 8, p50: 0.2, worst: 0.4 }], ['refused', '0.2/0.4']],
    ['the worst of two', [{ sent: 40 }, { sent: 40, lost: 1 }], ['2.5%', '1.2/31']],
    ['late is worse than none', [{ sent: 40 }, { sent: 40, slow: 4, p50: 3, worst: 1031.4 }], ['0%', '3.0/1031']],
    ['not measured is not 0 %', [{ sent: 0, why: 'not probed: behind a jump host' }], ['—', '']],
    ['not measured yet', [{ sent: 0 }], ['…', '']],
    [
      'one of two is measured',
      [
        { sent: 0, why: 'not probed' },
        { sent: 4, lost: 1 },
      ],
      ['25%', '1.2/31'],
    ],
  ] as const)('%s', (_, tries, cells) => {
    expect(cellsOf(probed('a', ...tries))).toEqual(cells)
  })

  it('the head and the last row say how many hosts lose tries from here', () => {
    const rows = [...hosts(30), probed('lossy', { sent: 40, lost: 10 }), probed('shut', { sent: 40, refused: 40 })]
    const shown = screenful(rows, screen({ display: show({ sort: 'name' }) }))
    expect(shown[0]).toBe('32 hosts · 32 live · 1 with loss · every 2s')
    expect(shown.at(-2)).toMatch(/ · no drops$/)
    expect(screenful(rows, screen()).at(-2)).toMatch(/ · no drops( · 1 with loss)?$/)
    expect(screenful(hosts(3), screen())[0]).not.toContain('loss')
  })

  it('sorted by loss: who gets nothing through first, who is not measured last', () => {
    const rows = [
      probed('unmeasured', { sent: 0, why: 'not probed' }),
      probed('well', { sent: 40 }),
      probed('late', { sent: 40, slow: 2 }),
      probed('lossy', { sent: 40, lost: 10 }),
      probed('shut', { sent: 40, refused: 40 }),
    ]
    const names = (by: readonly Row[]): string[] => by.map(({ host }) => host)
    expect(names(ordered(rows, 'loss'))).toEqual(['shut', 'lossy', 'late', 'well', 'unmeasured'])
    expect(names(ordered(rows, 'pressure'))).toEqual(names(rows))
  })
})

describe('keys', () => {
  it('are read from what terminals send', () => {
    expect(
      keysOf('s\u001b[A\u001bOB\u001b[6~\u001b[1;5A\u001b[200~\r\u007f\u0003é').map(key =>
        'letter' in key ? key.letter : key.name,
      ),
    ).toEqual(['s', 'up', 'down', 'page-down', 'up', 'enter', 'erase', 'interrupt', 'é'])
    expect(keysOf('\u001b')).toEqual([{ name: 'escape' }])
  })

  const rows = { all: 100, fit: 20 }
  const typing = (keys: string, from: Display = FIRST): ReturnType<typeof press> => {
    let display: ReturnType<typeof press> = from
    for (const key of keysOf(keys)) if (typeof display !== 'string') display = press(display, key, rows)
    return display
  }

  it('sort, scroll, filter, help, quit', () => {
    expect(typing('s')).toMatchObject({ sort: 'rate' })
    expect(typing('ssss')).toMatchObject({ sort: 'pressure' })
    expect(typing('jj k')).toMatchObject({ scrolled: 21 })
    expect(typing('\u001b[F')).toMatchObject({ scrolled: 80 })
    expect(typing('\u001b[F\u001b[H')).toMatchObject({ scrolled: 0 })
    expect(typing('/wq?\u007f')).toMatchObject({ filter: 'wq', typing: true })
    expect(typing('/web\r')).toMatchObject({ filter: 'web', typing: false })
    expect(typing('/web\u001b')).toMatchObject({ filter: '', typing: false })
    expect(typing('?')).toMatchObject({ help: true })
    expect(typing('?\u001b')).toMatchObject({ help: false })
    expect(typing('q')).toBe('quit')
    expect(typing('/q\u0003')).toBe('interrupt')
  })

  it('sort by loss where something is measured', () => {
    const pressed = (measured: boolean): unknown =>
      press(show({ sort: 'drops' }), { name: 'letter', letter: 's' }, { ...rows, measured })
    expect(pressed(true)).toMatchObject({ sort: 'loss' })
    expect(pressed(false)).toMatchObject({ sort: 'name' })
  })

  it('never scroll where everybody fits', () => {
    expect(press(FIRST, { name: 'down' }, { all: 3, fit: 20 })).toMatchObject({ scrolled: 0 })
    expect(fitting(3, { columns: 80, rows: 24 })).toBe(21)
  })
})

describe('the terminal', () => {
  const written: string[] = []
  const keyboard = {
    setRawMode: vi.fn(),
    on: vi.fn(),
    off: vi.fn(),
    resume: vi.fn(),
    pause: vi.fn(),
  } satisfies Keyboard
  const terminal = { columns: 40, rows: 5, write: (text: string) => written.push(text) }

  beforeEach(() => {
    written.length = 0
    vi.clearAllMocks()
  })

  it('is as it was, also when the program ends by itself', () => {
    const before = process.listenerCount('exit')
    const emulator = createEmulator(40, 5)
    emulator.feed('$ ctfix watch\r\n')
    const alternate = enterAlternate(terminal, keyboard, () => {})
    alternate.draw(['one', 'two'])
    for (const text of written.splice(0)) emulator.feed(text)
    expect(emulator.rows()).toEqual(['one', 'two'])
    // What Node does at its end, before it says why.
    process.listeners('exit').at(-1)?.(1)
    alternate.leave()
    alternate.draw(['three'])
    for (const text of written.splice(0)) emulator.feed(text)
    expect(emulator.rows()).toEqual(['$ ctfix watch', ''])
    expect(keyboard.setRawMode.mock.calls).toEqual([[true], [false]])
    expect(process.listenerCount('exit')).toBe(before)
  })

  it('gets only rows that changed, and all of them when its size does', () => {
    const alternate = enterAlternate(terminal, keyboard, () => {})
    alternate.draw(['one', 'two'])
    written.length = 0
    alternate.draw(['one', 'two'])
    expect(written).toEqual([])
    alternate.draw(['one', 'three'])
    expect(written.join('')).not.toContain('one')
    terminal.columns = 50
    alternate.draw(['one', 'three'])
    expect(written.join('')).toContain('one')
    alternate.leave()
  })
})
