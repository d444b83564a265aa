/** The parts that a run over batches is made of. */
import { describe, expect, it, test } from 'vitest'
import type { Host } from '../../../../src/inventory/host.ts'
import { batchesOf } from '../../../../src/run/rollout/batches.ts'
import { GateCommand } from '../../../../src/run/rollout/gate-command.ts'
import { byPressure } from '../../../../src/run/rollout/pressure.ts'
import { recordedStretches, stretchesSchema, writtenStretches } from '../../../../src/run/rollout/recorded-rules.ts'
import { hostsOfRun, type Rules } from '../../../../src/run/rollout/rules.ts'
import { parseSerial } from '../../../../src/run/rollout/serial.ts'
import { rulesText } from '../../../../src/run/rollout/words.ts'
import { amount, limit, makeHosts, stretch } from './hosts.ts'

describe('sizes', () => {
  it('are a list', () => {
    expect(parseSerial('1, 10%,100%')).toEqual([amount('1'), amount('10%'), amount('100%')])
  })

  it.each(['', '0', '0%', '1,,2', '1,many', '101%', '1.5', '-1', '1,'])('%j is none', text => {
    expect(parseSerial(text)).toBeNull()
  })
})

describe('batches', () => {
  const sizes = (n: number, serial: string, rules: Partial<Rules> = {}): string[] =>
    batchesOf([stretch(makeHosts(n), { serial: parseSerial(serial) ?? [], ...rules })]).map(
      ({ hosts, canary }) => `${canary ? 'canary ' : ''}${hosts.length}`,
    )

  it.each([
    [45, '1,10%,100%', '1 5 39'],
    [10, '3', '3 3 3 1'],
    [10, '1,2', '1 2 2 2 2 1'],
    [3, '10%', '1 1 1'],
    [7, '50%', '4 3'],
    [2, '5', '2'],
  ])('of %i hosts by %s are %s', (n, serial, expected) => {
    expect(sizes(n, serial).join(' ')).toBe(expected)
  })

  it('are one where no size is given', () => {
    expect(batchesOf([stretch(makeHosts(3))]).map(({ hosts }) => hosts.length)).toEqual([3])
  })

  it('begin with the canary, whose hosts are in no other; shares are still of all', () => {
    expect(sizes(20, '10%,100%', { canary: ['h3', 'h1'] })).toEqual(['canary 2', '2', '16'])
    const [first, second] = batchesOf([stretch(makeHosts(4), { canary: ['h3', 'h1'] })])
    const namesOf = (hosts: readonly Host[] = []): string[] => hosts.map(({ name }) => name)
    expect([namesOf(first?.hosts), namesOf(second?.hosts)]).toEqual([
      ['h1', 'h3'],
      ['h0', 'h2'],
    ])
  })

  it('of a canary that a play before has begin there, and before anybody of the play that names it', () => {
    const hosts = makeHosts(5)
    const sizesOf = (first: readonly string[], second: readonly string[]): readonly string[] =>
      batchesOf([
        stretch(hosts.slice(0, 2), { canary: first }, { name: 'A' }),
        stretch(hosts.slice(2), { canary: second }, { name: 'B' }),
      ]).map(batch => `${batch.stretch.name}${batch.canary ? ' canary' : ''} ${batch.hosts.map(({ name }) => name)}`)
    expect(sizesOf([], ['h1', 'h2'])).toEqual(['A canary h1', 'A h0', 'B canary h2', 'B h3,h4'])
    expect(sizesOf(['h3'], [])).toEqual(['B canary h3', 'A h0,h1', 'B h2,h4'])
    // As a flag says it: of all plays.
    expect(sizesOf(['h0', 'h4'], ['h0', 'h4'])).toEqual(['A canary h0', 'B canary h4', 'A h1', 'B h2,h3'])
  })

  it('have shares of the hosts the run had, and not of those that are left', () => {
    const left = stretch(makeHosts(5), { serial: [amount('10%')] }, { total: 40 })
    expect(batchesOf([left]).map(({ hosts }) => hosts.length)).toEqual([4, 1])
  })
})

test('the fullest table first, who has none last, equals as they were', () => {
  const usage = { a: 0.2, b: null, c: 0.9, d: 0.2, e: 0 }
  expect(byPressure(['a', 'b', 'c', 'd', 'e'] as const, name => usage[name])).toEqual(['c', 'a', 'd', 'e', 'b'])
})

describe('in words', () => {
  const text = (n: number, rules: Partial<Rules>): readonly string[] =>
    rulesText(batchesOf([stretch(makeHosts(n), rules)]))

  it('is nothing where all go at once and nothing is limited', () => {
    expect(text(9, {})).toEqual([])
  })

  it('has every rule, percentages as numbers', () => {
    const rules = {
      ...{
        serial: [amount('10%')],
        canary: ['h0'],
        bakeSeconds: 120,
        gate: new GateCommand('./ok'),
        order: 'pressure' as const,
      },
      ...{ maxFailed: limit('5%'), maxUnreachable: limit('2') },
    }
    expect(text(50, rules)).toEqual([
      '11 batches over 50 hosts: canary 1, 5 (9 times), 4',
      '  fullest table first inside a batch',
      '  stops at: more than 2 failed or rolled back (5% of 50); more than 2 unreachable; any of the canary that does not pass; any host that is unknown',
      '  between batches: wait 2m, ask ./ok, look whether changed hosts still lose packets',
    ])
  })

  it.each([
    [{}, 'any host that is unknown; a batch of which no host comes out well'],
    [
      { maxFailed: limit('9') },
      'any host that is unknown; a batch of which no host comes out well and one is unreachable',
    ],
    [
      { maxUnreachable: limit('9') },
      'any host that is unknown; a batch of which no host comes out well and one failed or was rolled back',
    ],
  ])('says what else stops where no limit does: %j', (rules, end) => {
    expect(text(9, { serial: [amount('3')], ...rules })[1]?.endsWith(end)).toBe(true)
  })

  it('names the plays where there are several', () => {
    const hosts = makeHosts(3)
    const plays = [
      stretch(hosts.slice(0, 1), {}, { name: 'Edge' }),
      stretch(hosts.slice(1), { maxFailed: limit('50%', 'run') }, { name: 'Web' }),
    ]
    expect(rulesText(batchesOf(plays), false)).toEqual([
      'Edge: one batch over 1 host: 1',
      '  stops at: any host that is unknown; a batch of which no host comes out well',
      'Web: one batch over 2 hosts: 2',
      '  stops at: more than 1 failed or rolled back (50% of 3); any host that is unknown',
    ])
  })
})

describe('a gate in words', () => {
  const rules = { gate: new GateCommand('./ok'), bakeSeconds: 60 }

  it('is asked after the only batch of a play, where another play follows', () => {
    const hosts = makeHosts(3)
    const plays = [stretch(hosts.slice(0, 1), rules, { name: 'Edge' }), stretch(hosts.slice(1), rules, { name: 'Web' })]
    const lines = rulesText(batchesOf(plays), false)
    expect(lines.filter(line => line.includes('between'))).toEqual(['  between batches: wait 1m, ask ./ok'])
    expect(lines[2]).toBe('  between batches: wait 1m, ask ./ok')
  })

  it('is asked of nobody where there is one batch, and that is said', () => {
    expect(rulesText(batchesOf([stretch(makeHosts(3), rules)]))).toEqual([
      'one batch over 3 hosts: 3',
      '  stops at: any host that is unknown',
      '  between batches: nothing, for there is only one; --serial or --canary makes more',
    ])
  })
})

test('what is written down comes back, for the hosts that are left', () => {
  const hosts = makeHosts(4)
  const rules: Rules = {
    ...{ serial: [amount('1'), amount('2.5%')], canary: ['h1'], maxFailed: limit('5%'), maxUnreachable: null },
    ...{ bakeSeconds: 5, gate: new GateCommand('true'), order: 'pressure' },
  }
  const all = [stretch(hosts, rules, { name: 'Edge', revertInSeconds: 90 })]
  const recorded = stretchesSchema.parse(JSON.parse(JSON.stringify(writtenStretches(all))))
  expect(recordedStretches(recorded, hosts)).toEqual([{ ...all[0], ofRun: 4 }])
  const left = hosts.slice(2)
  expect(recordedStretches(recorded, left)).toEqual([stretch(left, rules, { ...all[0], hosts: left, ofRun: 4 })])
  expect(recordedStretches(recorded, [])).toEqual([])
})

test('a play that is done still counts in what a limit of the run is a share of', () => {
  const hosts = makeHosts(10)
  const all = [stretch(hosts.slice(0, 8), {}), stretch(hosts.slice(8), {})]
  expect(hostsOfRun(all)).toBe(10)
  const left = recordedStretches(stretchesSchema.parse(writtenStretches(all)), hosts.slice(8))
  expect([left.length, hostsOfRun(left)]).toEqual([1, 10])
})

test('shares are of the same hosts after they were written down: who is excluded is none of them', () => {
  const hosts = makeHosts(4).map((host, i) => (i > 1 ? { ...host, exclude: 'case 7' } : host))
  const written = writtenStretches([stretch(hosts, { maxFailed: limit('50%') }, { total: 2 })])
  const [only] = recordedStretches(stretchesSchema.parse(written), hosts)
  expect(only).toMatchObject({ total: 2, hosts })
  // A record of before this was written down.
  const { total: _, ...older } = written[0] ?? {}
  expect(recordedStretches(stretchesSchema.parse([older]), hosts)[0]?.total).toBe(4)
})
