/** A saved plan is used once, by whichever run comes first to a host: also by one that goes on. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { takeOnIntent } from '../../../src/cli/saved.ts'
import { StaleError } from '../../../src/errors.ts'
import type { Event, Listener } from '../../../src/run/events.ts'
import type { ReadPlan } from '../../../src/run/saved-file.ts'
import { useOf } from '../../../src/run/saved-use.ts'

const intent: Event = { type: 'intent', host: 'h', step: 'apply', runDir: '/r' }

it('a run that went on after another one had taken its plan changes nothing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-saved-'))
  const read = (file: string, expiresAt = '2999-01-01T00:00:00.000Z'): ReadPlan =>
    ({
      file: join(directory, file),
      plan: { id: '01JD8Z5W3M9QX7R2T4V6B8N0KC', expiresAt },
      isEdited: false,
    }) as ReadPlan
  const runWith = (run: string, plan: ReadPlan): Listener => {
    const listeners: Listener[] = []
    takeOnIntent(plan, { stateDir: directory, session: { run, listen: one => listeners.push(one) } })
    return event => {
      for (const listener of listeners) listener(event)
    }
  }
  const second = runWith('R2', read('plan'))
  second({ type: 'phase', host: 'h', phase: 'connect' })
  expect(useOf(directory, read('plan'))).toBeNull()
  second(intent)
  expect(useOf(directory, read('plan'))?.run).toBe('R2')
  // R1 was broken off before it came to any host, and goes on with the copy in its record.
  expect(() => runWith('R1', read('copy'))(intent)).toThrow(StaleError)
  // What R2 has begun it may end, whatever the hour.
  expect(() => runWith('R2', read('copy', '2020-01-01T00:00:00.000Z'))(intent)).not.toThrow()
})
