/** A run over a thousand hosts as a person sees it: in a real terminal, on its screen. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { displayWidth } from '../../src/view/width.ts'
import { createEmulator, type Emulator } from '../support/screen.ts'
import { inTerminal, type TerminalOptions, type TerminalRun } from '../support/terminal.ts'
import { type Night, RAISE, startNight } from './simulated/thousand.ts'
import { labSuite } from './suite.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/ctfix.js', import.meta.url))
const HOSTS = 1000
const MOST_ROWS = 12
const BAR = /\d of 1,000 hosts done/

function run({ product }: Night, words: readonly string[], options: TerminalOptions): Promise<TerminalRun> {
  const state = join(product.directory, 'state')
  const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts'), '--state-dir', state]
  return inTerminal([process.execPath, PROGRAM, ...words, ...fixed], {
    timeoutMs: 600_000,
    ...options,
  })
}

/** Rows of the live view: from its bar to the cursor. */
function liveRows(screen: Emulator): string[] {
  const rows = screen.rows()
  const bar = rows.findLastIndex(row => BAR.test(row))
  return bar < 0 ? [] : rows.slice(bar, screen.cursor().row + 1)
}

/** Plays a run on a screen; `check` sees it after each write of the display. */
function play({ chunks }: TerminalRun, screen: Emulator, check: (live: readonly string[]) => void): void {
  for (const { text } of chunks) {
    screen.feed(text)
    const live = liveRows(screen)
    if (live.length > 0) check(live)
  }
}

/** A whole frame, none of whose rows is too wide for so many columns. */
function isFrameFor(columns: number, text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor and clears rows begins with one
  const rows = text.replace(/\u001b\[[\d;]*[A-Za-z]|\r/g, '').split('\n')
  return BAR.test(text) && rows.every(row => displayWidth(row) < columns)
}

/** Most frames in any one second. */
function mostFrames({ chunks }: TerminalRun): number {
  const frames = chunks.filter(({ text }) => BAR.test(text)).map(({ ms }) => ms)
  return Math.max(...frames.map(from => frames.filter(ms => ms >= from && ms < from + 1000).length))
}

labSuite(
  'a thousand hosts in a terminal',
  () => startNight(HOSTS),
  ({ it }) => {
    it('80 × 24: twelve rows at most, no row too wide, and a recap that says it all', async night => {
      const words = [...RAISE, '--yes', '--canary', 'web-0001', '--max-unreachable', '5%']
      const result = await run(night, words, { columns: 80, rows: 24 })
      const screen = createEmulator(80, 24)
      const seen = new Set<string>()
      let wrapped: number | null = null
      play(result, screen, live => {
        // What was written before the display may be as wide as it likes.
        wrapped ??= screen.wrapped()
        expect(live.length).toBeLessThanOrEqual(MOST_ROWS)
        expect(screen.wrapped(), live.join('\n')).toBe(wrapped)
        for (const row of live) seen.add(row.replace(/[\d,]+/g, '#').trim())
      })
      const parts = [
        /^batch # of #:/,
        /left$/,
        /^▸ Prove it/,
        /^slowest: web-/,
        /^unreachable ×#/,
        /^rolled-back/,
        /^# changed · #/,
      ]
      for (const part of parts)
        expect(
          [...seen].some(row => part.test(row)),
          String(part),
        ).toBe(true)
      expect(mostFrames(result)).toBeLessThanOrEqual(13)
      const { refusing, worse } = night
      const well = HOSTS - refusing.length - worse.length
      const text = screen.transcript().join('\n')
      expect(result.exitCode, text).toBe(4)
      expect(text).not.toMatch(BAR)
      expect(text.match(/^1,000 hosts in /gm)).toHaveLength(1)
      expect(text).toContain(
        `recap  targeted 1,000  changed ${well}  unreachable ${refusing.length}  rolled-back ${worse.length}`,
      )
      expect(screen.rows().some(row => row.startsWith('recap'))).toBe(true)
      expect(screen.rows().some(row => row.startsWith('record: '))).toBe(true)
    }, 900_000)

    it('200 × 50, made smaller on the way: nothing of the display is left behind', async night => {
      const sizes = [
        { columns: 100, rows: 20 },
        // Not lower than the rows that become two by it: what leaves the screen at its top cannot be taken back.
        { columns: 60, rows: 18 },
      ]
      const asked: { at: number; columns: number; rows: number }[] = []
      const result = await run(night, ['plan', '--strategy', 'raise'], {
        columns: 200,
        rows: 50,
        react(written) {
          const frames = written.split('hosts done').length - 1
          const next = sizes[asked.length]
          if (!next || frames < 8 * (asked.length + 1)) return null
          asked.push({ at: written.length, ...next })
          return next
        },
      })
      expect(asked).toHaveLength(2)
      const screen = createEmulator(200, 50)
      let written = 0
      const rest = [...asked]
      for (const { text } of result.chunks) {
        const [next] = rest
        // It was resized when the kernel was told so: a little later than we asked, and before the first frame that fits.
        if (next && written >= next.at && isFrameFor(next.columns, text)) {
          rest.shift()
          screen.resize(next.columns, next.rows)
        }
        screen.feed(text)
        written += text.length
        expect(liveRows(screen).length, screen.rows().join('\n')).toBeLessThanOrEqual(MOST_ROWS)
      }
      expect(rest).toEqual([])
      const text = screen.transcript().join('\n')
      expect(text).not.toMatch(BAR)
      expect(text).not.toContain('▸')
      expect(text).toMatch(/^1,000 hosts in .*, 20 unreachable$/m)
      expect(result.exitCode, text).toBe(3)
    }, 900_000)

    it('Ctrl-C is said above the rows, hosts in flight finish, and the exit code is 130', async night => {
      let typed = false
      const result = await run(night, ['plan', '--strategy', 'raise', '--forks', '5'], {
        columns: 80,
        rows: 24,
        react(written) {
          if (typed || !/[1-9]\d* of 1,000 hosts done/.test(written)) return null
          typed = true
          return { type: '\u0003' }
        },
      })
      const screen = createEmulator(80, 24)
      play(result, screen, live => expect(live.length).toBeLessThanOrEqual(MOST_ROWS))
      const text = screen.transcript().join('\n')
      expect(text).toContain('ctfix: interrupted: no further host is started')
      expect(text).toMatch(/^recap {2}targeted 1,000 {2}ok \d+ .*skipped \d+/m)
      expect(text).not.toMatch(BAR)
      expect(result.exitCode, text).toBe(130)
    }, 900_000)
  },
)
