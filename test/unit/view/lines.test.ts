import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Event } from '../../../src/run/events.ts'
import type { Status } from '../../../src/run/status.ts'
import { plainProgress } from '../../../src/view/lines.ts'
import { isUnicode, processStreams } from '../../../src/view/streams.ts'
import { makeOutcome } from '../../support/outcomes.ts'

const outcome = (host: string, status: Status, message?: string): Event => ({
  type: 'outcome',
  host,
  outcome: makeOutcome(status, { host, error: message === undefined ? null : { message, hint: null } }),
})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Progress over so many hosts, and what it wrote so far. */
function listening(total: number) {
  const lines: string[] = []
  const clock = (): number => Date.now()
  const progress = plainProgress(text => lines.push(text.trimEnd()), total, clock)
  return { ...progress, lines }
}

describe('progress off a terminal', () => {
  it('is a line a host where there are few', () => {
    const { onEvent, lines } = listening(2)
    onEvent(outcome('web-1', 'changed'))
    onEvent(outcome('web-2', 'unreachable', 'connection refused'))
    expect(lines).toEqual(['[1/2] web-1  changed', '[2/2] web-2  unreachable  connection refused'])
  })

  it('is a line each five per cent where there are many, and each problem', () => {
    const { onEvent, lines } = listening(1000)
    for (let i = 1; i <= 1000; i++) {
      if (i === 310) onEvent(outcome('web-310', 'unknown', 'lost'))
      else onEvent(outcome(`web-${i}`, 'changed'))
    }
    expect(lines).toHaveLength(21)
    expect(lines[0]).toBe('[50/1000] 5 % in 0s: 50 changed')
    expect(lines[6]).toBe('[310/1000] unknown  web-310  lost')
    expect(lines.at(-1)).toBe('[1000/1000] 100 % in 0s: 999 changed · 1 unknown')
  })

  it('has no line for hosts that nobody came to, once it is said why', () => {
    for (const [total, end] of [
      [12, []],
      [200, ['[200/200] 100 % in 0s: 1 changed · 199 skipped']],
    ] as const) {
      const { onEvent, lines } = listening(total)
      onEvent(outcome('web-1', 'changed'))
      const notAttempted = Array.from({ length: total - 1 }, (_, i) => `web-${i + 2}`)
      onEvent({ type: 'stopped', reason: 'the gate failed', notAttempted })
      const told = lines.length
      for (const [i, host] of notAttempted.entries()) {
        const cause = i % 2 === 0 ? 'budget' : 'interrupted'
        onEvent({ type: 'outcome', host, outcome: makeOutcome('skipped', { host, cause }) })
      }
      expect(lines[told - 1]).toBe(`stopping: the gate failed; ${total - 1} hosts not attempted`)
      expect(lines.slice(told)).toEqual(end)
    }
  })

  it('does not drown one problem in a hundred of another kind', () => {
    const { onEvent, lines } = listening(1000)
    for (let i = 1; i <= 100; i++) {
      onEvent(outcome(`web-${i}`, 'unreachable', `cannot connect to 10.0.0.${i}:22: connection refused`))
    }
    onEvent(outcome('db-1', 'failed', 'no space left'))
    const problems = lines.filter(line => !line.includes('%'))
    expect(problems).toEqual([
      ...[1, 2, 3, 4, 5].map(i => `[${i}/1000] unreachable  web-${i}  connection refused`),
      '  more of the same kind are only counted',
      '[101/1000] failed  db-1  no space left',
    ])
  })

  it('says every ten silent seconds what it waits for, and never after its end', async () => {
    const { onEvent, settle, lines } = listening(2)
    onEvent({ type: 'phase', host: 'web-1', phase: 'connect' })
    onEvent({ type: 'phase', host: 'web-2', phase: 'verify' })
    vi.advanceTimersByTime(9_000)
    expect(lines).toEqual([])
    vi.advanceTimersByTime(2_000)
    expect(lines).toEqual([
      expect.stringMatching(
        /^\[0\/2\] 0 % in 10s.*; waiting for 2 hosts, slowest web-1 connecting 10s · web-2 proving 10s$/,
      ),
    ])
    vi.advanceTimersByTime(10_000)
    expect(lines).toHaveLength(2)
    onEvent(outcome('web-1', 'ok'))
    vi.advanceTimersByTime(9_000)
    expect(lines).toHaveLength(3)
    await settle()
    vi.advanceTimersByTime(60_000)
    expect(lines).toHaveLength(3)
  })

  it('tells batches, gates and the end of a run', () => {
    const { onEvent, lines } = listening(1000)
    const gate = { type: 'gate', after: 1, kind: 'bake', detail: '2m' } as const
    onEvent({ type: 'batch', index: 1, of: 3, hosts: ['web-1', 'web-2'], canary: true })
    onEvent({ ...gate, status: 'begun' })
    vi.advanceTimersByTime(10_000)
    onEvent({ ...gate, status: 'passed' })
    onEvent({ type: 'stopped', reason: '6 failed\n[1/2] web-1  ok', notAttempted: ['web-3'] })
    expect(lines).toEqual([
      'batch 1 of 3 (canary): 2 hosts  web-[1-2]',
      'after batch 1: bake begun: 2m',
      '[0/1000] 0 % in 10s; waiting for bake after batch 1 (10s)',
      'after batch 1: bake passed: 2m',
      'stopping: 6 failed [1/2] web-1 ok; 1 host not attempted',
    ])
  })
})

describe('the streams of this process', () => {
  it.each([
    [{ LANG: 'C.UTF-8' }, true],
    [{ LANG: 'de_DE.utf8', LC_ALL: 'C' }, false],
    [{ LC_CTYPE: 'en_US.UTF-8', LANG: 'C' }, true],
    [{}, false],
  ])('with %j write letters beyond ASCII: %s', (env, unicode) => {
    expect(isUnicode(env)).toBe(unicode)
  })

  it.each([
    [{ TERM: 'xterm' }, true, true],
    [{ TERM: 'dumb' }, false, false],
    [{}, false, false],
    [{ TERM: 'xterm', CI: 'true' }, false, true],
    [{ TERM: 'xterm', NO_COLOR: '1' }, true, false],
  ])('with %j are redrawn: %s, in colours: %s', (env, redrawn, color) => {
    const before = [process.stdout.isTTY, process.stderr.isTTY] as const
    try {
      Object.assign(process.stdout, { isTTY: true })
      Object.assign(process.stderr, { isTTY: true })
      const streams = processStreams(true, env)
      expect([streams.terminal !== null, streams.color]).toEqual([redrawn, color])
      expect(processStreams(false, env).color).toBe(false)
      Object.assign(process.stderr, { isTTY: false })
      expect(processStreams(true, env).terminal).toBe(null)
    } finally {
      Object.assign(process.stdout, { isTTY: before[0] })
      Object.assign(process.stderr, { isTTY: before[1] })
    }
  })
})
