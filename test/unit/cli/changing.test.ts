/** What is said to who leaves a run before its end, and of a run that did not come to all of its hosts. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { resumeLine, tellWhatIsLeft, waysOn } from '../../../src/cli/changing.ts'
import type { Session } from '../../../src/cli/session.ts'
import type { Event, Listener } from '../../../src/run/events.ts'
import { makeOutcome } from '../../support/outcomes.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const RUN = '01M80N9KCCNGWD8T6T84ME4END'
const runDir = `/var/lib/ctfix/${RUN}`
const intent = (host: string): Event => ({ type: 'intent', host, step: 'apply', runDir })

/** What is written when somebody leaves after these events. */
function leave(events: readonly Event[]): string {
  const written: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    written.push(String(text))
    return true
  })
  const signal = new AbortController()
  const listeners: Listener[] = []
  const session = { listen: (one: Listener) => listeners.push(one), tools: { run: RUN, signal: signal.signal } }
  tellWhatIsLeft(session as unknown as Pick<Session, 'listen' | 'tools'>, resumeLine(RUN))
  for (const event of events) for (const listener of listeners) listener(event)
  signal.abort()
  return written.join('')
}

describe('who leaves at once', () => {
  it('hears of many hosts in the middle of a change in one line, and of none that is done', () => {
    const hosts = Array.from({ length: 50 }, (_, i) => `web-${String(i + 1).padStart(2, '0')}`)
    const done: Event = { type: 'outcome', host: 'web-07', outcome: makeOutcome('changed', { host: 'web-07' }) }
    expect(leave([...hosts.map(intent), done])).toBe(
      `ctfix: web-[01-06,08-50]: left in the middle of a change; each of them takes itself back unless it was confirmed; on a host: sh ${runDir}/guard.sh revert ${runDir}
ctfix: to go on later: ctfix apply -i INVENTORY --resume ${RUN}
`,
    )
  })

  it('hears of one host by its name, and nothing where none was begun', () => {
    expect(leave([intent('db')])).toMatch(
      /^ctfix: db: left .*; it takes itself back unless it was confirmed; on the host: /,
    )
    expect(leave([])).toBe('')
  })
})

describe('a run that did not come to all of its hosts', () => {
  const done = makeOutcome('changed')
  const left = makeOutcome('skipped', { cause: 'interrupted' })
  const apply = { run: RUN, command: 'apply' }

  it('says how to go on, and how to take back what it changed', () => {
    expect(waysOn(apply, [done, left], resumeLine(RUN))).toEqual([
      `to go on: ctfix apply -i INVENTORY --resume ${RUN}`,
      `to take it back: ctfix rollback -i INVENTORY ${RUN}`,
    ])
    expect(
      waysOn(apply, [makeOutcome('failed'), makeOutcome('skipped', { cause: 'budget' })], resumeLine(RUN)),
    ).toEqual([`to go on: ctfix apply -i INVENTORY --resume ${RUN}`])
  })

  it('goes on as it was begun: a rollback is no apply to be resumed', () => {
    const rollback = { run: RUN, command: 'rollback' }
    expect(waysOn(rollback, [done, left], 'ctfix rollback -i INVENTORY ONE')).toEqual([
      'to go on: ctfix rollback -i INVENTORY ONE',
    ])
  })

  it('is not one whose hosts were left out on purpose', () => {
    expect(waysOn(apply, [done, makeOutcome('skipped', { cause: 'excluded' })], resumeLine(RUN))).toEqual([])
  })
})
