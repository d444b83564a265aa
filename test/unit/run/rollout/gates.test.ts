/** What happens between two batches: waiting, a command, and the symptom of the hosts that were changed. */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test, vi } from 'vitest'
import type { Facts, LogEvidence } from '../../../../src/facts/facts.ts'
import type { Event } from '../../../../src/run/events.ts'
import { type Batch, batchesOf } from '../../../../src/run/rollout/batches.ts'
import { askGate } from '../../../../src/run/rollout/gate.ts'
import { GateCommand } from '../../../../src/run/rollout/gate-command.ts'
import { createGates, type GateTools } from '../../../../src/run/rollout/gates.ts'
import type { Rules } from '../../../../src/run/rollout/rules.ts'
import { compareSymptom, readingOf } from '../../../../src/run/rollout/symptom.ts'
import type { Status } from '../../../../src/run/status.ts'
import { makeFacts } from '../../../support/facts.ts'
import { makeOutcome } from '../../../support/outcomes.ts'
import { amount, makeHosts, stretch } from './hosts.ts'

const log = (lines: number, lastAtSeconds: number | null = 5): LogEvidence =>
  ({ lines, otherNamespaceLines: 0, lastAtSeconds, source: 'dmesg' }) as LogEvidence
const facts = (drop: number | null, lines: number | null, parts: Partial<Facts> = {}): Facts =>
  makeFacts({
    bootId: 'boot-1',
    stats: drop === null ? null : { counters: { drop, early_drop: 1, insert_failed: 7 }, cpus: 1 },
    log: lines === null ? null : log(lines),
    ...parts,
  })

describe('the symptom', () => {
  const compare = (before: Facts, now: Facts | null) =>
    compareSymptom([[readingOf('a', before), now && readingOf('a', now)]])

  it.each<[string, Facts, Facts | null, boolean, RegExp]>([
    ['stands still', facts(9, 3), facts(9, 3), true, /^no drop and no table-full line on 1 changed host/],
    ['drops rise', facts(9, 3), facts(12, 3), false, /^drops \+3 since the change, on a \(drops \+3\)$/],
    ['lines rise', facts(9, 3), facts(9, 5), false, /^table-full lines \+2 since/],
    [
      'early drops count, failed inserts do not',
      facts(9, 3),
      facts(9, 3, { stats: { counters: { drop: 9, early_drop: 2, insert_failed: 99 }, cpus: 1 } }),
      false,
      /^drops \+1 /,
    ],
    ['nobody could look', facts(9, 3), null, false, /^cannot be seen on a$/],
    ['neither shows', facts(null, null), facts(null, null), false, /^cannot be seen on a$/],
    ['neither shows any more', facts(9, 3), facts(null, null), false, /^cannot be seen on a$/],
    ['one of them shows, and stands still', facts(9, null), facts(9, null), true, /^no drop/],
    ['the log alone', facts(null, 3), facts(null, 3), true, /^no drop/],
    [
      'a log that forgot its oldest lines and has a new one',
      facts(9, 3),
      facts(9, 1, { log: log(1, 8) }),
      false,
      /lines \+1/,
    ],
    ['a log that forgot its oldest lines', facts(9, 3), facts(9, 1), true, /^no drop/],
    [
      'booted since, and clean',
      facts(9, 3),
      facts(0, 0, { bootId: 'boot-2', stats: { counters: { drop: 0 }, cpus: 1 } }),
      true,
      /^no drop/,
    ],
    ['booted since, and losing', facts(9, 3), facts(2, 0, { bootId: 'boot-2' }), false, /^drops \+3/],
    ['no conntrack any more', facts(9, 3), facts(null, null, { family: null }), true, /^no drop/],
  ])('%s', (_, before, now, still, detail) => {
    const symptom = compare(before, now)
    expect(symptom.detail).toMatch(detail)
    expect(symptom.still).toBe(still)
  })

  describe('where the cure takes its time', () => {
    const later = (drop: number, uptimeSeconds: number): Facts =>
      facts(drop, 3, { uptimeSeconds, earlier: { stats: facts(100, 3).stats, log: log(3), secondsBefore: 10 } })
    const seen = (now: Facts) => compareSymptom([[readingOf('a', later(140, 1000), 'later'), readingOf('a', now)]])

    it('may go on as it was right after the change, and no faster', () => {
      // Four a second then; five a second are borne.
      expect(seen(facts(640, 3, { uptimeSeconds: 1100 }))).toEqual({
        still: true,
        detail: 'no more drops than right after the change on 1 changed host',
      })
      expect(seen(facts(641, 3, { uptimeSeconds: 1100 })).detail).toMatch(/^drops \+501 since the change, on a/)
    })

    it('must not begin', () => {
      const quiet = readingOf('a', { ...later(100, 1000) }, 'later')
      expect(compareSymptom([[quiet, readingOf('a', facts(101, 3, { uptimeSeconds: 1100 }))]]).still).toBe(false)
    })
  })

  it('is the sum over the hosts, and says where it rose, the worst first', () => {
    const pairs = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(
      (name, i) => [readingOf(name, facts(0, 0)), readingOf(name, facts(i, 0))] as const,
    )
    expect(compareSymptom(pairs).detail).toBe(
      'drops +21 since the change, on g (drops +6), f (drops +5), e (drops +4), d (drops +3), c (drops +2) and 1 more',
    )
  })
})

const go = new AbortController().signal
const settings = { env: {}, stdin: '', limitMs: 10_000, stop: go }

describe('the command of a gate', () => {
  it('passes with exit code 0', async () => {
    expect(await askGate({ ...settings, command: new GateCommand('true') })).toEqual({ passed: true, detail: 'true' })
  })

  it('fails where it cannot be run at all, too', async () => {
    const env = { CTFIX_PLAY: 'x'.repeat(200_000) }
    const answer = await askGate({ ...settings, command: new GateCommand('true'), env })
    expect(answer).toEqual({ passed: false, detail: expect.stringMatching(/^true: spawn E2BIG$/) })
  })

  it('fails with any other, and its last lines are shown, harmless', async () => {
    const command = 'for i in 1 2 3 4 5 6 7; do echo "line $i"; done; printf "\\033[31mred\\n" >&2; exit 3'
    const { passed, detail } = await askGate({ ...settings, command: new GateCommand(command) })
    expect(passed).toBe(false)
    expect(detail).toContain(': exit code 3\n')
    expect(detail).toContain('line 7')
    expect(detail).not.toContain('line 2\n')
    expect(detail).toContain('\\x1b[31mred')
  })

  it('may say as much as it likes: what is shown is short, for each host that is left out repeats it', async () => {
    const command = `head -c 20000000 /dev/zero | tr '\\0' x; exit 1`
    const { passed, detail } = await askGate({ ...settings, command: new GateCommand(command) })
    expect([passed, detail.length < 1000]).toEqual([false, true])
    expect(detail).toContain('xxx')
  })

  it('is told by its environment and the names on stdin', async () => {
    const command = '[ "$CTFIX_BATCH" = 2 ] && [ "$(cat)" = "a b" ]'
    expect(
      (await askGate({ ...settings, command: new GateCommand(command), env: { CTFIX_BATCH: '2' }, stdin: 'a b\n' }))
        .passed,
    ).toBe(true)
    expect(
      (await askGate({ ...settings, command: new GateCommand(command), env: { CTFIX_BATCH: '3' }, stdin: 'a b\n' }))
        .passed,
    ).toBe(false)
  })

  it('need not read what it is told', async () => {
    const stdin = 'a long name of a host\n'.repeat(20_000)
    expect((await askGate({ ...settings, command: new GateCommand('exec <&-; exit 0'), stdin })).passed).toBe(true)
  })

  it('is ended with all it started when it takes too long', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ctfix-gate-')), 'pid')
    const command = `sleep 60 & echo $! >${file}; wait`
    const { passed, detail } = await askGate({ ...settings, command: new GateCommand(command), limitMs: 300 })
    expect([passed, detail]).toEqual([false, `${command}: no answer in 0.3 s`])
    const pid = readFileSync(file, 'utf8').trim()
    // Gone, or at least dead and waiting for its parent.
    await vi.waitFor(() => {
      if (existsSync(`/proc/${pid}/stat`)) expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /)
    })
  })

  it('is ended by Ctrl-C', async () => {
    const stop = new AbortController()
    const asked = askGate({ ...settings, command: new GateCommand('sleep 60'), stop: stop.signal })
    stop.abort()
    expect(await asked).toEqual({ passed: false, detail: 'sleep 60: interrupted' })
  })

  it('does not wait for what it left in the background', async () => {
    const start = performance.now()
    expect((await askGate({ ...settings, command: new GateCommand('sleep 9 & exit 0') })).passed).toBe(true)
    expect(performance.now() - start).toBeLessThan(8000)
  })
})

interface Stage {
  readonly gates: ReturnType<typeof createGates>
  readonly events: readonly Event[]
  readonly looked: readonly (readonly string[])[]
}

function stage(now: Readonly<Record<string, Facts | null>>, parts: Partial<GateTools> = {}): Stage {
  const events: Event[] = []
  const looked: string[][] = []
  const gates = createGates({
    run: 'RUN',
    emit: event => events.push(event),
    stop: go,
    relief: () => 'at-once',
    most: 50,
    async look(hosts) {
      looked.push(hosts.map(({ name }) => name))
      return new Map(hosts.map(({ name }) => [name, now[name] ?? facts(0, 0)]))
    },
    ...parts,
  })
  return { gates, events, looked }
}

function batches(n: number, size: string, rules: Partial<Rules> = {}): readonly Batch[] {
  return batchesOf([stretch(makeHosts(n), { serial: [amount(size)], ...rules })])
}

const came = ({ hosts }: Batch, status: Status = 'changed') =>
  hosts.map(({ name }) => makeOutcome(status, { host: name, facts: facts(0, 0) }))
const told = (events: readonly Event[]): string[] =>
  events.flatMap(event => (event.type === 'gate' ? [`${event.after} ${event.kind} ${event.status}`] : []))

describe('between two batches', () => {
  it('what is told of a command has no secret, neither the one that stands in it nor a password that it says', async () => {
    const { gates, events } = stage({})
    const command = 'echo --token zeisig-1 and zeisig-2; false'
    const [batch] = batches(2, '1', { gate: new GateCommand(command, { known: ['zeisig-2'] }) })
    expect(batch && (await gates(batch, came(batch)))).toBe(
      'the gate after batch 1 of 2 failed: echo --token *** and ***; false: exit code 1\n--token *** and ***',
    )
    expect(JSON.stringify(events)).not.toContain('zeisig')
    expect(events[0]).toMatchObject({ status: 'begun', detail: 'echo --token *** and ***; false' })
  })

  it('waits, asks, looks, and tells of each', async () => {
    const { gates, events, looked } = stage({})
    const [batch] = batches(2, '1', {
      bakeSeconds: 0.01,
      gate: new GateCommand('[ "$CTFIX_RUN $CTFIX_BATCH $CTFIX_BATCHES" = "RUN 1 2" ]'),
    })
    expect(batch && (await gates(batch, came(batch)))).toBeNull()
    expect(told(events)).toEqual([
      '1 bake begun',
      '1 bake passed',
      '1 command begun',
      '1 command passed',
      '1 symptom begun',
      '1 symptom passed',
    ])
    expect(looked).toEqual([['h0']])
  })

  it('a command that fails is the reason, and nobody is looked at', async () => {
    const { gates, events, looked } = stage({})
    const [batch] = batches(2, '1', { gate: new GateCommand('echo no luck; false') })
    expect(batch && (await gates(batch, came(batch)))).toBe(
      'the gate after batch 1 of 2 failed: echo no luck; false: exit code 1\nno luck',
    )
    expect(told(events)).toEqual(['1 command begun', '1 command failed'])
    expect(looked).toEqual([])
  })

  it('a symptom that came back in a batch of before is the reason, too', async () => {
    const now: Record<string, Facts | null> = {}
    const { gates, looked } = stage(now)
    const [first, second] = batches(3, '1')
    expect(first && (await gates(first, came(first)))).toBeNull()
    now.h0 = facts(4, 0)
    expect(second && (await gates(second, came(second)))).toBe(
      'the symptom after batch 2 of 3: drops +4 since the change, on h0 (drops +4)',
    )
    expect(looked).toEqual([['h0'], ['h1', 'h0']])
  })

  it('waits for nothing and looks at nobody where nothing was changed', async () => {
    const { gates, events } = stage({})
    const [batch] = batches(2, '1', { bakeSeconds: 3600 })
    for (const status of ['ok', 'blocked', 'unreachable', 'failed'] as const) {
      expect(batch && (await gates(batch, came(batch, status)))).toBeNull()
    }
    expect(events).toEqual([])
  })

  it('leaves out hosts that nobody watches', async () => {
    const { gates, looked } = stage({ h0: facts(99, 9) }, { relief: ({ name }) => (name === 'h0' ? null : 'at-once') })
    const [batch] = batches(4, '2')
    expect(batch && (await gates(batch, came(batch)))).toBeNull()
    expect(looked).toEqual([['h1']])
  })

  it('looks at all of the batch, and at as many of before as there is room for, by turns', async () => {
    const { gates, looked } = stage({}, { most: 3 })
    for (const batch of batches(8, '1')) await gates(batch, came(batch))
    expect(looked.map(hosts => hosts.join(' '))).toEqual([
      'h0',
      'h1 h0',
      'h2 h1 h0',
      'h3 h2 h1',
      'h4 h0 h3',
      'h5 h2 h1',
      'h6 h4 h0',
      'h7 h3 h5',
    ])
  })

  it('waits no longer once it was interrupted, and then says no reason', async () => {
    const stop = new AbortController()
    const { gates, events } = stage({}, { stop: stop.signal })
    const [batch] = batches(2, '1', { bakeSeconds: 3600, gate: new GateCommand('false') })
    setTimeout(() => stop.abort(), 5)
    expect(batch && (await gates(batch, came(batch)))).toBeNull()
    expect(told(events)).toEqual(['1 bake begun', '1 bake failed'])
  })
})

test('a reading knows what it cannot see', () => {
  expect(readingOf('a', facts(null, null))).toMatchObject({ drops: null, log: null, absent: false })
  expect(readingOf('a', makeFacts({ stats: { counters: { found: 3 }, cpus: 1 } })).drops).toBeNull()
})
