/** How old a line of the log is, whosever table it is about: an old one is no alarm, one that just came is more than one. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { expectations } from '../../../src/diagnose/rules/expectations.ts'
import { namespaces } from '../../../src/diagnose/rules/namespaces.ts'
import { tableWasFull } from '../../../src/diagnose/rules/table-was-full.ts'
import type { Facts, LogEvidence } from '../../../src/facts/facts.ts'
import { parseProbe } from '../../../src/facts/parse.ts'
import { before, but, calm, censusOf, counters } from './hosts.ts'

const DAY = 86_400
const none: LogEvidence = { lines: 0, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' }
const up = (days: number, log: Partial<LogEvidence>, more: Partial<Facts> = {}): Facts =>
  but(calm, { uptimeSeconds: days * DAY, log: { ...none, ...log }, ...more })
const earlier = (log: Partial<LogEvidence>): Facts['earlier'] => {
  const base = before(calm, {})
  return base && { ...base, log: { ...none, ...log } }
}
const elsewhere = { otherNamespaceLines: 8, byNamespace: { 4026532180: 8 } }

describe('lines of another namespace', () => {
  it.each<[string, Facts, string]>([
    ['of last week', up(9, { ...elsewhere, elsewhereAtSeconds: DAY }), 'notice'],
    ['of an hour ago', up(9, { ...elsewhere, elsewhereAtSeconds: 9 * DAY - 3600 }), 'warning'],
    ['without a time', up(9, elsewhere), 'warning'],
    [
      'that came while it was watched',
      up(9, { ...elsewhere, elsewhereAtSeconds: DAY }, { earlier: earlier({ otherNamespaceLines: 3 }) }),
      'critical',
    ],
    ['that its kernel does not name, of last week', up(9, { lines: 4, lastAtSeconds: DAY }), 'notice'],
    [
      'that its kernel does not name, and that came just now',
      up(9, { lines: 4, lastAtSeconds: 9 * DAY }, { earlier: earlier({ lines: 1, lastAtSeconds: DAY }) }),
      'critical',
    ],
  ])('%s', (_, facts, severity) => {
    expect(namespaces(facts)?.severity).toBe(severity)
  })

  it('say how old they are, and are no reason for a larger table unless it is full now', () => {
    const old = namespaces(up(9, { ...elsewhere, elsewhereAtSeconds: DAY }))
    expect(old?.evidence.join()).toMatch(/the last such line is 8d old/)
    expect(old?.cure).toBeUndefined()
    expect(namespaces(up(1, elsewhere, { earlier: earlier({}) }))?.cure).toBe('room-elsewhere')
  })

  it('are not the matter of a container, whose log is the log of its machine', () => {
    expect(namespaces(up(1, elsewhere, { ownsKernel: false, container: 'netns' }))).toBeNull()
  })

  it('are nothing but nearly full below 95 %', () => {
    const filled = (entries: number) =>
      namespaces(but(calm, { census: censusOf([], { namespaces: [{ id: 7, program: 'x', entries, lost: 0 }] }) }))
    expect([filled(50_000), filled(55_000)?.severity, filled(65_000)?.severity]).toEqual([null, 'warning', 'critical'])
    expect(filled(55_000)?.title).toMatch(/is nearly full/)
  })
})

describe('lines about expected connections', () => {
  it.each<[string, Facts, string, RegExp]>([
    ['of last week', up(9, { expectationLines: 5, expectationAtSeconds: DAY }), 'notice', /last 8d ago/],
    ['of today', up(1, { expectationLines: 5, expectationAtSeconds: DAY - 60 }), 'warning', /last 1m ago/],
    ['without a time', up(9, { expectationLines: 5 }), 'warning', /expectation table full/],
    [
      'that came while it was watched',
      up(9, { expectationLines: 5, expectationAtSeconds: DAY }, { earlier: earlier({ expectationLines: 2 }) }),
      'warning',
      /3 times in 10 s/,
    ],
  ])('%s', (_, facts, severity, says) => {
    const finding = expectations(facts)
    expect(finding?.severity).toBe(severity)
    expect(finding?.evidence.join()).toMatch(says)
  })
})

describe('what a file keeps', () => {
  it('of an earlier boot has no age, and is not of this moment', () => {
    const facts = up(1, { lines: 3, lastAtSeconds: 5 * DAY, source: 'file' }, { stats: counters(calm, { drop: 9 }) })
    expect(tableWasFull(facts)?.title).toMatch(/was full at some time/)
  })
})

describe('a log as the probe brings it', () => {
  const recorded = readFileSync(new URL('../../facts/namespace-7.2/probe.txt', import.meta.url), 'utf8')
  const nonce = /@@(\S+) /.exec(recorded)?.[1] ?? ''
  const logged = (...lines: readonly string[]) => {
    const frame = `\n@@${nonce} log\n`
    const at = recorded.indexOf(frame) + frame.length
    const text = `${recorded.slice(0, at)}source dmesg\n${lines.join('\n')}\n${recorded.slice(recorded.indexOf('\n@@', at))}`
    return parseProbe('web-1', text, nonce).log
  }
  const line = (at: number, where = '') => `line [${at}.5] nf_conntrack: table full${where}, dropping packet`

  it('has the time of the newest line of each', () => {
    expect(
      logged('count 2 -', 'count 1 77', 'expect 4', 'expected [ 9.5] x', line(10), line(20, ' in netns 77'), line(30)),
    ).toMatchObject({ lastAtSeconds: 30.5, elsewhereAtSeconds: 20.5, expectationAtSeconds: 9.5 })
  })

  it('takes lines of its own that were not kept for as old as the first that was', () => {
    expect(logged('count 2 -', 'count 900 77', line(50, ' in netns 77'), line(60, ' in netns 77'))).toMatchObject({
      ...{ lines: 2, lastAtSeconds: 50.5, elsewhereAtSeconds: 60.5 },
    })
    expect(logged('count 2 -', line(50))).not.toHaveProperty('elsewhereAtSeconds')
  })
})
