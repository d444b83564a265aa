/** What is on disk before a run goes on, and what need not be; a sync takes milliseconds, and hosts are served meanwhile. */
import fs, { mkdtempSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { intend } from '../../../src/run/intent.ts'
import type { Record } from '../../../src/run/record.ts'
import { sharedSync } from '../../../src/run/shared-sync.ts'
import type { Tools } from '../../../src/run/tools.ts'
import { makeOutcome } from '../../support/outcomes.ts'

const { fsync } = fs
type Told = (error: Error | null) => void
/** Syncs that were begun, each with what ends it. */
let begun: Told[]
let openRecord: (stateDir: string, run: string, header: object) => Record

beforeEach(async () => {
  begun = []
  fs.fsync = Object.assign((_: number, told: Told) => void begun.push(told), { __promisify__: fsync.__promisify__ })
  syncBuiltinESMExports()
  vi.resetModules()
  ;({ openRecord } = await import('../../../src/run/record.ts'))
})
afterEach(() => {
  fs.fsync = fsync
  syncBuiltinESMExports()
  vi.resetModules()
})

const newRecord = (): Record => openRecord(mkdtempSync(join(tmpdir(), 'ctfix-sync-')), 'RUN', { strategy: ['raise'] })
const moment = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const toolsOf = ({ write, committed }: Record): Tools => ({
  ...{ run: 'RUN', connect: () => Promise.reject(new Error('nobody connects')), emit: write, committed },
  ...{ signal: new AbortController().signal, windowSeconds: 0, revertInSeconds: 60 },
})
const intent = (host: string, step: 'apply' | 'persist' = 'apply') => ({ host, step, runDir: '/r' }) as const

it('an act waits until its intent is on disk; what is told meanwhile shares the next sync', async () => {
  const record = newRecord()
  const done: string[] = []
  const act = (host: string): Promise<unknown> => intend(intent(host), toolsOf(record)).then(() => done.push(host))
  const first = act('h1')
  await moment()
  expect([begun.length, done]).toEqual([1, []])
  // The sync that is under way may have begun before these were written.
  const later = ['h2', 'h3', 'h4'].map(act)
  await moment()
  expect([begun.length, done]).toEqual([1, []])
  begun[0]?.(null)
  await first
  await moment()
  expect([begun.length, done]).toEqual([2, ['h1']])
  begun[1]?.(null)
  await Promise.all(later)
  expect(done).toEqual(['h1', 'h2', 'h3', 'h4'])
})

it('who was skipped is written down, and nobody waits for it', async () => {
  const record = newRecord()
  const ended = (status: 'failed' | 'skipped'): void =>
    record.write({ type: 'outcome', host: 'h', outcome: makeOutcome(status, { host: 'h' }) })
  ended('skipped')
  await moment()
  expect(begun).toHaveLength(0)
  ended('failed')
  await moment()
  expect(begun).toHaveLength(1)
})

it('a disk that fails once is not believed again: no change is begun, what is begun is brought to its end', async () => {
  const record = newRecord()
  const tools = toolsOf(record)
  const refused = intend(intent('h1'), tools)
  refused.catch(() => {})
  await moment()
  begun[0]?.(new Error('EIO: i/o error, fsync'))
  await expect(refused).rejects.toThrow(ConfigError)
  await expect(refused).rejects.toThrow(
    /^nothing was changed: cannot write the run record: \S+: EIO: i\/o error, fsync$/,
  )
  const again = intend(intent('h2'), tools)
  again.catch(() => {})
  const kept = intend(intent('h3', 'persist'), tools)
  await moment()
  begun[1]?.(null)
  await expect(again).rejects.toThrow(ConfigError)
  await expect(kept).resolves.toBeUndefined()
  const closed = record.close(['{}'])
  await moment()
  begun[2]?.(null)
  expect(await closed).toBe('EIO: i/o error, fsync')
})

it('a failed sync does not keep the next from beginning', async () => {
  let times = 0
  const sync = sharedSync(async () => {
    times += 1
    if (times === 1) throw new Error('full')
  })
  await expect(Promise.all([sync(), sync()])).rejects.toThrow('full')
  await expect(sync()).resolves.toBeUndefined()
  expect(times).toBe(2)
})
