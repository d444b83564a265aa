/** Measuring as a part of a change. */
import { expect, test } from 'vitest'
import { revertIn } from '../../../../src/cli/changing.ts'
import type { Event } from '../../../../src/run/events.ts'
import { judgeOutside, measureBefore, withProbes } from '../../../../src/run/outside/measured.ts'
import type { Measuring, Outside } from '../../../../src/run/outside/outside.ts'
import type { Probed } from '../../../../src/run/outside/probed.ts'
import type { Tools } from '../../../../src/run/tools.ts'
import { hostOf } from '../../transport/hosts.ts'

const LOSSY: Probed = {
  ...{ target: 'ping', address: '192.0.2.1', before: null, during: null, why: null },
  after: { sent: 9, lost: 4, slow: 0, refused: 0, p50: 1, p95: 2, worst: 3 },
}

/** One that says what was asked of it. */
function scripted(calls: string[]): Outside {
  const measuring: Measuring = {
    enter: part => void calls.push(`enter ${part}`),
    async probed() {
      calls.push('probed')
      return [LOSSY]
    },
    stop: () => void calls.push('stopped'),
    [Symbol.dispose]: () => void calls.push('disposed'),
  }
  return {
    begin(host, part) {
      calls.push(`begin ${host.name} ${part}`)
      return measuring
    },
  }
}

function toolsOf(parts: Partial<Tools>): Tools {
  return {
    ...{ run: 'RUN', windowSeconds: 0.02, revertInSeconds: 60, signal: new AbortController().signal },
    emit() {},
    connect: () => Promise.reject(new Error('nobody connects here')),
    ...parts,
  }
}

test('before a change: over the window, and until the last try has ended', async () => {
  const calls: string[] = []
  const from = performance.now()
  expect(await measureBefore(hostOf(), toolsOf({ outside: scripted(calls) }))).not.toBeNull()
  expect(performance.now() - from).toBeGreaterThanOrEqual(18)
  expect(calls).toEqual(['begin web-1 before', 'probed'])
})

test('where nobody asked for it nobody waits, and nothing is checked', async () => {
  expect(await measureBefore(hostOf(), toolsOf({ windowSeconds: 3600 }))).toBeNull()
  expect(await judgeOutside(null, 'at-once')).toEqual([])
})

test('who leaves at once does so here, too: nothing was changed, and no try is begun any more', async () => {
  const calls: string[] = []
  const leave = new AbortController()
  const tools = toolsOf({ outside: scripted(calls), windowSeconds: 3600, signal: leave.signal })
  const measured = measureBefore(hostOf(), tools)
  leave.abort()
  await expect(measured).rejects.toMatchObject({ name: 'ConnectError', reason: 'aborted' })
  expect(calls).toEqual(['begin web-1 before', 'disposed'])
})

test('what comes of it has the figures, and an event tells of them', async () => {
  const events: Event[] = []
  using measuring = scripted([]).begin(hostOf(), 'after')
  expect(await judgeOutside(measuring, 'at-once')).toMatchObject([{ name: 'probe-ping', status: 'fail' }])
  const result = await withProbes({ status: 'changed' }, measuring, hostOf(), { emit: event => events.push(event) })
  expect(result).toEqual({ status: 'changed', probes: [LOSSY] })
  expect(events).toEqual([{ type: 'probe', host: 'web-1', probes: [LOSSY] }])
})

test('a host gives as much more time as the last tries take', () => {
  const times = { window: 10, connectTimeout: 60, revertIn: 16 }
  expect(revertIn(times)).toBe(16)
  expect(() => revertIn({ ...times, probe: ['ping'] })).toThrow('cannot be confirmed in less than 19 s')
  expect(revertIn({ ...times, revertIn: 19, probe: ['ping'] })).toBe(19)
})
