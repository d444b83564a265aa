/** What stops a run, where, and what becomes of the others: every status, place and kind of limit, over the real engine. */
import { describe, expect, it, test } from 'vitest'
import { ConnectError, EXIT, ProbeError } from '../../../../src/errors.ts'
import type { Event } from '../../../../src/run/events.ts'
import type { HostResult } from '../../../../src/run/fleet.ts'
import { batchesOf } from '../../../../src/run/rollout/batches.ts'
import { rollOut } from '../../../../src/run/rollout/roll-out.ts'
import type { Rules, Stretch } from '../../../../src/run/rollout/rules.ts'
import { exitCodeOfRun, type Outcome } from '../../../../src/run/status.ts'
import { amount, limit, makeHosts, stretch } from './hosts.ts'

type Bad = 'failed' | 'unreachable' | 'unknown' | 'rolled-back'
const STATUSES: readonly Bad[] = ['failed', 'unreachable', 'unknown', 'rolled-back']

/** As each of them comes about: by an exception, or as what a host's work came to. */
function become(status: Bad, host: string): HostResult {
  if (status === 'failed') throw new ProbeError(host, `${host}: cut off`)
  if (status === 'unreachable') throw new ConnectError(host, 'timeout', `${host}: timed out`)
  return { status }
}

interface Came {
  readonly outcomes: readonly Outcome[]
  readonly events: readonly Event[]
  readonly stopped: Extract<Event, { type: 'stopped' }> | undefined
  /** Hosts whose work was begun, in that order. */
  readonly begun: readonly string[]
}

async function go(
  stretches: readonly Stretch[],
  bad: Readonly<Record<string, Bad>>,
  { forks = 1, stop = new AbortController().signal, onBegin = async (_: string): Promise<unknown> => null } = {},
): Promise<Came> {
  const events: Event[] = []
  const begun: string[] = []
  const course = { hosts: stretches.flatMap(({ hosts }) => hosts), batches: batchesOf(stretches) }
  const outcomes = await rollOut(course, { forks, stop, emit: event => events.push(event) }, async ({ name }) => {
    begun.push(name)
    await onBegin(name)
    const status = bad[name]
    return status ? become(status, name) : { status: 'changed' }
  })
  return { outcomes, events, stopped: events.find(event => event.type === 'stopped'), begun }
}

const names = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `h${from + i}`)

/** Ten hosts: the canary h0, then h1-h3, h4-h6, h7-h9. */
const TEN = makeHosts(10)
const ten = (rules: Partial<Rules>): Stretch[] => [stretch(TEN, { canary: ['h0'], serial: [amount('3')], ...rules })]

/** Where the limit of one is gone beyond: the host before it, in an earlier batch, is the one that is allowed. */
const PLACES = [
  { place: 'canary', allowed: null, last: 'h0' },
  { place: 'middle', allowed: 'h1', last: 'h5' },
  { place: 'last', allowed: 'h2', last: 'h8' },
] as const

const WORDS: Readonly<Record<Bad, string>> = {
  failed: '2 of 10 hosts failed or rolled back, at most 1 may be (max_failed ',
  'rolled-back': '2 of 10 hosts failed or rolled back, at most 1 may be (max_failed ',
  unreachable: '2 of 10 hosts unreachable, at most 1 may be (max_unreachable ',
  unknown: '1 host unknown: a person has to look first',
}
const EXITS: Readonly<Record<Bad, number>> = {
  failed: EXIT.failed,
  unreachable: EXIT.budget,
  unknown: EXIT.needsPerson,
  'rolled-back': EXIT.rolledBack,
}

describe.each(STATUSES)('%s', status => {
  describe.each(PLACES)('in the $place batch', ({ place, allowed, last }) => {
    it.each(['1', '10%', '19%'])('stops a run in which %s may be', async text => {
      // One unknown is one too many: nobody is allowed before it.
      const before = allowed !== null && status !== 'unknown' ? { [allowed]: status } : {}
      const rules = { maxFailed: limit(text), maxUnreachable: limit(text) }
      const { outcomes, stopped, begun } = await go(ten(rules), { ...before, [last]: status })
      const at = Number(last.slice(1))
      expect(begun).toEqual(names(0, at))
      expect(stopped?.notAttempted).toEqual(names(at + 1, 9))
      const reason =
        place === 'canary' && status !== 'unknown'
          ? `the canary did not pass: h0 is ${status}`
          : status === 'unknown'
            ? WORDS.unknown
            : `${WORDS[status]}${text})`
      expect(stopped?.reason).toBe(reason)
      expect(outcomes.map(({ host }) => host)).toEqual(names(0, 9))
      for (const { status: is, cause, error } of outcomes.slice(at + 1)) {
        expect([is, cause, error?.message]).toEqual(['skipped', 'budget', `not attempted: ${reason}`])
      }
      expect(exitCodeOfRun(outcomes, false)).toBe(EXITS[status])
    })

    if (status !== 'unknown' && place !== 'canary') {
      it.each(['2', '20%', '29%'])('does not stop one in which %s may be', async text => {
        const rules = { maxFailed: limit(text), maxUnreachable: limit(text) }
        const { outcomes, stopped, begun } = await go(ten(rules), { [allowed ?? '']: status, [last]: status })
        expect(stopped).toBeUndefined()
        expect(begun).toEqual(names(0, 9))
        expect(outcomes.filter(({ status: is }) => is === 'changed')).toHaveLength(8)
      })

      it('does not stop one in which the other kind is limited', async () => {
        const other = status === 'unreachable' ? { maxFailed: limit('0') } : { maxUnreachable: limit('0%') }
        const { stopped, begun } = await go(ten(other), { [allowed ?? '']: status, [last]: status })
        expect([stopped, begun]).toEqual([undefined, names(0, 9)])
      })

      it('does not stop one without limits', async () => {
        const { stopped, begun } = await go(ten({}), { [allowed ?? '']: status, [last]: status })
        expect([stopped, begun]).toEqual([undefined, names(0, 9)])
      })
    }

    it.each(['0', '0%', '9%'])('the first one stops a run in which %s may be', async text => {
      const { begun } = await go(ten({ maxFailed: limit(text), maxUnreachable: limit(text) }), { [last]: status })
      expect(begun).toEqual(names(0, Number(last.slice(1))))
    })
  })
})

test('the budget is the run’s and not the batch’s: one in each batch is three in the end', async () => {
  const { begun, stopped } = await go(ten({ maxFailed: limit('2') }), {
    h2: 'failed',
    h4: 'rolled-back',
    h7: 'failed',
  })
  expect(begun).toEqual(names(0, 7))
  expect(stopped?.reason).toBe('3 of 10 hosts failed or rolled back, at most 2 may be (max_failed 2)')
})

test('hosts in flight finish, and nobody after them is begun', async () => {
  const slow = Promise.withResolvers<void>()
  const { outcomes, begun, stopped } = await go(
    ten({ maxFailed: limit('0') }),
    { h2: 'failed' },
    {
      forks: 2,
      async onBegin(name) {
        if (name === 'h2') setTimeout(slow.resolve, 5)
        if (name === 'h1') await slow.promise
      },
    },
  )
  expect(begun).toEqual(['h0', 'h1', 'h2'])
  expect(outcomes.slice(0, 3).map(({ status }) => status)).toEqual(['changed', 'changed', 'failed'])
  expect(stopped?.notAttempted).toEqual(names(3, 9))
})

test('the last host of all stops nothing: there is nothing left', async () => {
  const { stopped, outcomes } = await go(ten({ maxFailed: limit('0') }), { h9: 'failed' })
  expect(stopped).toBeUndefined()
  expect(exitCodeOfRun(outcomes, false)).toBe(EXIT.failed)
})

test('a canary of which nobody was as wanted in the end shows nothing', async () => {
  const events: Event[] = []
  const course = { hosts: TEN, batches: batchesOf(ten({ canary: ['h0', 'h1'] })) }
  const fleet = { forks: 1, stop: new AbortController().signal, emit: (event: Event) => events.push(event) }
  const outcomes = await rollOut(course, fleet, async () => ({ status: 'blocked' }))
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...['blocked', 'blocked'],
    ...Array.from({ length: 8 }, () => 'skipped'),
  ])
  expect(outcomes[9]?.error?.message).toBe('not attempted: the canary shows nothing: h0 is blocked, and 1 more like it')
  expect(exitCodeOfRun(outcomes, false)).toBe(EXIT.blocked)
})

describe('a batch of which no host came out well', () => {
  const rules = { serial: [amount('1'), amount('2'), amount('100%')] }

  test('stops a run without limits: the next would go the same way', async () => {
    const { begun, stopped } = await go([stretch(TEN, rules)], { h1: 'failed', h2: 'unreachable' })
    expect(begun).toEqual(['h0', 'h1', 'h2'])
    expect(stopped?.reason).toBe('no host of the batch came out well: h1 is failed')
    expect(stopped?.notAttempted).toEqual(names(3, 9))
  })

  test('stops none that has a limit for it: the limit says how many there may be', async () => {
    const limited = { maxFailed: limit('2'), maxUnreachable: limit('1') }
    const bad = { h1: 'failed', h2: 'unreachable' } as const
    expect((await go([stretch(TEN, { ...rules, ...limited })], bad)).begun).toHaveLength(10)
    expect((await go([stretch(TEN, { ...rules, maxFailed: limit('2') })], bad)).stopped?.reason).toBe(
      'no host of the batch came out well: h2 is unreachable',
    )
    const one = { ...rules, serial: [amount('1')], maxFailed: limit('1') }
    expect((await go([stretch(TEN, one)], { h1: 'failed' })).begun).toHaveLength(10)
  })

  test('one that did well is enough to go on', async () => {
    const { begun, stopped } = await go([stretch(TEN, rules)], { h1: 'failed' })
    expect(begun).toHaveLength(10)
    expect(stopped).toBeUndefined()
  })
})

test('rollback-failed stops a run without limits, and so does a host that is unknown', async () => {
  const course = { hosts: TEN, batches: batchesOf([stretch(TEN)]) }
  const fleet = { forks: 1, stop: new AbortController().signal, emit: () => {} }
  const outcomes = await rollOut(course, fleet, async ({ name }) => ({
    status: name === 'h1' ? 'rollback-failed' : 'changed',
  }))
  expect(outcomes[2]?.error?.message).toBe('not attempted: 1 host rollback-failed: a person has to look first')
})

describe('several plays', () => {
  const [a, b] = [TEN.slice(0, 4), TEN.slice(4)]

  test('each counts its own hosts, and whichever stops, stops the run', async () => {
    const plays = [stretch(a, { maxFailed: limit('1') }), stretch(b, { maxFailed: limit('50%') })]
    const fine = await go(plays, { h0: 'failed', h4: 'failed', h5: 'failed', h6: 'failed' })
    expect(fine.stopped).toBeUndefined()
    const over = await go(plays, { h0: 'failed', h1: 'failed' })
    expect(over.begun).toEqual(['h0', 'h1'])
    expect(over.stopped?.notAttempted).toEqual(names(2, 9))
    expect(over.stopped?.reason).toContain('2 of 4 hosts')
  })

  test('a limit that a flag gave counts all hosts of the run', async () => {
    const rules = { maxFailed: limit('20%', 'run') }
    const { begun, stopped } = await go([stretch(a, rules), stretch(b, rules)], {
      h0: 'failed',
      h3: 'failed',
      h6: 'rolled-back',
    })
    expect(begun).toEqual(names(0, 6))
    expect(stopped?.reason).toBe('3 of 10 hosts failed or rolled back, at most 2 may be (max_failed 20%)')
  })

  test('are worked off one after the other, each batch told of with its number over the run', async () => {
    const { events } = await go([stretch(a, { serial: [amount('3')] }), stretch(b, { canary: ['h9'] })], {})
    const told = events.flatMap(event =>
      event.type === 'batch' ? [[event.index, event.of, event.canary, event.hosts.join(' ')]] : [],
    )
    expect(told).toEqual([
      [1, 4, false, 'h0 h1 h2'],
      [2, 4, false, 'h3'],
      [3, 4, true, 'h9'],
      [4, 4, false, 'h4 h5 h6 h7 h8'],
    ])
  })
})

describe('Ctrl-C', () => {
  test('between two batches: no other begins, and that is not the budget’s doing', async () => {
    const stop = new AbortController()
    const events: Event[] = []
    const between = async (): Promise<null> => {
      stop.abort()
      return null
    }
    const course = { hosts: TEN, batches: batchesOf(ten({})), between }
    const fleet = { forks: 2, stop: stop.signal, emit: (event: Event) => events.push(event) }
    const outcomes = await rollOut(course, fleet, async () => ({ status: 'changed' }))
    expect(outcomes.map(({ cause }) => cause)).toEqual([null, ...names(1, 9).map(() => 'interrupted')])
    expect(events.filter(({ type }) => type === 'batch' || type === 'stopped')).toHaveLength(1)
    expect(exitCodeOfRun(outcomes, false)).toBe(EXIT.interrupted)
  })
})

test('what a gate says stops the run after that batch', async () => {
  const asked: [number, string[]][] = []
  const course = {
    hosts: TEN,
    batches: batchesOf(ten({})),
    async between({ index }: { readonly index: number }, outcomes: readonly Outcome[]) {
      asked.push([index, outcomes.map(({ host }) => host)])
      return index === 2 ? 'the gate said no' : null
    },
  }
  const fleet = { forks: 5, stop: new AbortController().signal, emit: () => {} }
  const outcomes = await rollOut(course, fleet, async () => ({ status: 'changed' }))
  expect(asked).toEqual([
    [1, ['h0']],
    [2, names(1, 3)],
  ])
  expect(outcomes.filter(({ status }) => status === 'changed')).toHaveLength(4)
  expect(exitCodeOfRun(outcomes, false)).toBe(EXIT.budget)
})

test('an excluded host is in no batch and no count, and has its outcome all the same', async () => {
  const hosts = TEN.map(host => (host.name === 'h0' ? { ...host, exclude: 'support case' } : host))
  const plays = [stretch(hosts, { serial: [amount('5')], canary: ['h0'] }, { total: 9 })]
  const { events, outcomes } = await go(plays, {})
  expect(outcomes[0]).toMatchObject({ host: 'h0', status: 'skipped', cause: 'excluded' })
  const sizes = events.flatMap(event => (event.type === 'batch' ? [event.hosts.length] : []))
  expect(sizes).toEqual([5, 4])
  expect(exitCodeOfRun(outcomes, false)).toBe(EXIT.ok)
})
