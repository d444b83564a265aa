import { describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { diagnosisDocument, diagnosisText } from '../../../src/view/diagnosis.ts'
import { diagnosisSchema } from '../../../src/view/diagnosis-schema.ts'
import { documentText } from '../../../src/view/document.ts'
import { createPaint } from '../../../src/view/paint.ts'
import { makeOutcome } from '../../support/outcomes.ts'
import { but } from '../diagnose/hosts.ts'
import { SICK } from '../diagnose/sick.ts'
import { WELL } from '../diagnose/well.ts'

const paint = createPaint(false)
const commandFor = (hosts: readonly string[]): string => `ctfix apply --limit ${hosts.join(',')}`
const full = SICK.find(({ host }) => host === 'full at this moment')?.facts ?? expect.unreachable()
const [[, well]] = WELL as readonly [readonly [string, Facts], ...unknown[]]

function fleet(hosts: Readonly<Record<string, Facts | null>>) {
  const all = Object.entries(hosts)
  const outcomes = all.map(([host, facts]) =>
    facts
      ? makeOutcome('ok', { host, facts })
      : makeOutcome('unreachable', { host, error: { message: 'no route to host', hint: null } }),
  )
  const found = new Map(all.flatMap(([host, facts]) => (facts ? [[host, diagnose(facts)] as const] : [])))
  return { outcomes, found }
}

describe('a diagnosis for people', () => {
  it('has evidence, remedy, the reason and the command; hosts alike once; those not reached too', () => {
    const hosts = { 'web-01': full, 'web-02': but(full, { uptimeSeconds: 1 }), 'db-1': well, 'db-2': null }
    const { outcomes, found } = fleet(hosts)
    const text = diagnosisText(outcomes, found, { paint, commandFor })
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'web-[01-02]  65,536 of 65,536 entries (100.0 %)  (2 hosts)',
        expect.stringMatching(/^ {2}critical table-full: the connection table is full/),
        '      counter drop: +200 in 10 s',
        expect.stringMatching(/^ {6}→ raise the limit/),
        expect.stringMatching(/^ {2}recommended raise: the connection table is full/),
        '      $ ctfix apply --limit web-01,web-02',
        '  nothing found',
        expect.stringMatching(/^db-2 {2}unreachable {2}no route to host/),
        'recap  targeted 4  critical 2  well 1  not looked at 1',
      ]),
    )
    expect(text.match(/table-full/g)).toHaveLength(1)
  })

  it('has the hosts that are worst off first, and names them again at the end', () => {
    const { outcomes, found } = fleet({ 'db-1': well, 'web-1': full, 'db-2': well })
    const text = diagnosisText(outcomes, found, { paint, commandFor })
    expect(text.indexOf('web-1 ')).toBeLessThan(text.indexOf('db-[1-2] '))
    expect(text.split('\n').at(-3)).toBe('critical  web-1')
    // Where nobody else was looked at they are what was shown last.
    const alone = fleet({ 'web-1': full })
    expect(diagnosisText(alone.outcomes, alone.found, { paint, commandFor }).split('\n').at(-3)).toBe('')
  })

  it('does not put hosts together whose cure has other numbers', () => {
    const larger = but(full, { max: 131_072, buckets: 131_072, count: 131_072 })
    const { outcomes, found } = fleet({ 'web-1': full, 'web-2': larger })
    const text = diagnosisText(outcomes, found, { paint, commandFor })
    expect(text).toContain('--limit web-1\n')
    expect(text).toContain('--limit web-2\n')
  })

  it('lets no text of a host act on a terminal or pretend to be a line of ours', () => {
    const evil = but(full, {
      ...{ ownsKernel: false, container: 'x\u001b[2J\nweb-9  nothing found' },
    })
    const { outcomes, found } = fleet({ 'web-1': evil })
    const text = diagnosisText(outcomes, found, { paint, commandFor })
    expect(text).not.toContain('\u001b')
    expect(text.split('\n').some(line => line.startsWith('web-9'))).toBe(false)
  })
})

describe('a diagnosis for programs', () => {
  it.each(SICK.map(({ host, facts }) => [host, facts] as const))('fits its schema: %s', (_, facts) => {
    const { outcomes, found } = fleet({ 'web-1': facts, 'web-2': null })
    const document = diagnosisSchema.parse(
      JSON.parse([...documentText(diagnosisDocument(outcomes, found, { exitCode: 3, commandFor }), 0)].join('')),
    )
    expect(document.hosts.map(({ name }) => name)).toEqual(['web-1', 'web-2'])
    expect(document.hosts[0]?.findings?.length).toBeGreaterThan(0)
    expect(document.hosts[1]).toMatchObject({ findings: null, recommendation: null, status: 'unreachable' })
  })
})
