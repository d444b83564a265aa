import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STATUSES } from '../../../src/run/status.ts'
import { factsXml, runXml, verdictOf } from '../../../src/view/junit.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'
import { readFrom } from '../../support/sticky.ts'

const header = { run: 'RUN', command: 'apply', strategy: ['raise', 'timeouts'] }

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Element[]
  readonly text: string
}

const LETTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, number: string | undefined, name: string) =>
    number === undefined ? (LETTERS[name] ?? expect.unreachable(name)) : String.fromCodePoint(Number(number)),
  )
}

/** Reads XML 1.0 without comments, sections and types of documents; throws for what is not well-formed. */
function parseXml(xml: string): Element {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(xml)) throw new Error('no letter of XML 1.0')
  const read = readFrom(xml, xml.indexOf('?>') + 2)
  const { take } = read
  const element = (): Element => {
    const name = take(/<([a-z-]+)/)?.[1] ?? expect.unreachable(`no element at ${xml.slice(read.at, read.at + 40)}`)
    const attributes: Record<string, string> = {}
    for (let found = take(/\s+([a-z_]+)="([^"<&\n\t]*(?:&[#\w]+;[^"<&\n\t]*)*)"/); found; ) {
      attributes[found[1] ?? ''] = decode(found[2] ?? '')
      found = take(/\s+([a-z_]+)="([^"<&\n\t]*(?:&[#\w]+;[^"<&\n\t]*)*)"/)
    }
    if (take(/\/>/)) return { name, attributes, children: [], text: '' }
    if (!take(/>/)) expect.unreachable(`a bad tag at ${xml.slice(read.at, read.at + 40)}`)
    const children: Element[] = []
    let text = ''
    while (!take(new RegExp(`</${name}>`))) {
      const said = take(/[^<&]+|&[#\w]+;/)
      if (said) text += decode(said[0])
      else children.push(element())
    }
    return { name, attributes, children, text }
  }
  take(/\s*/)
  const root = element()
  expect(xml.slice(read.at).trim()).toBe('')
  return root
}

function suiteIn(xml: string): Element {
  const root = parseXml(xml)
  expect(root.name).toBe('testsuites')
  return root.children[0] ?? expect.unreachable('no suite')
}

const casesIn = (suite: Element): readonly Element[] => suite.children.filter(({ name }) => name === 'testcase')

describe('--output junit', () => {
  it('is a suite for the run, a case for each host, its checks as output', () => {
    const outcomes = STATUSES.map(status => makeOutcome(status, { host: `h-${status}`, elapsedMs: 1500 }))
    const checks = [{ name: 'drops-still', status: 'fail' as const, detail: 'drop +3 in 10 s' }]
    const plan = planFor()
    outcomes[0] = makeOutcome('ok', { host: 'h-ok', checks, plan, elapsedMs: 1500 })
    const suite = suiteIn([...runXml(header, outcomes, 5, { reason: 'too <many>' })].join(''))
    expect(suite.attributes).toEqual({
      name: 'ctfix apply raise,timeouts',
      tests: '10',
      failures: '3',
      errors: '3',
      skipped: '1',
      time: '15.000',
    })
    expect(suite.children[0]?.children.map(({ attributes }) => attributes)).toEqual([
      { name: 'run', value: 'RUN' },
      { name: 'exit_code', value: '5' },
      { name: 'stopped', value: 'too <many>' },
    ])
    expect(casesIn(suite).map(({ attributes, children }) => [attributes.name, children[0]?.name])).toEqual([
      ['h-ok', 'system-out'],
      ['h-changed', 'system-out'],
      ['h-would-change', 'system-out'],
      ['h-skipped', 'skipped'],
      ['h-blocked', 'failure'],
      ['h-unreachable', 'error'],
      ['h-failed', 'failure'],
      ['h-rolled-back', 'failure'],
      ['h-rollback-failed', 'error'],
      ['h-unknown', 'error'],
    ])
    const output = casesIn(suite)[0]?.children[0]?.text
    expect(output).toContain('~ net.netfilter.nf_conntrack_max: 65536 → 131072\n')
    expect(output).toContain('\nfail drops-still: drop +3 in 10 s')
  })

  it('fails a host that drifted where somebody verifies, not where somebody plans', () => {
    expect(verdictOf(makeOutcome('would-change'), 'verify')).toBe('failure')
    expect(verdictOf(makeOutcome('would-change'), 'plan')).toBe('passed')
  })

  it('of facts has the row of each host', () => {
    const suite = suiteIn(
      [...factsXml([makeOutcome('ok', { facts: makeFacts() }), makeOutcome('unreachable')], 3)].join(''),
    )
    expect(casesIn(suite)[0]?.children[0]?.text).toContain('nf_conntrack')
    expect(casesIn(suite)[1]?.children[0]?.name).toBe('error')
  })

  it('is well-formed whatever a host says, and loses none of it', () => {
    const evil = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(']]>', '</system-out>', '<!--', '&bogus;', '"\'', '\u0000\u000b', '\ud800', '\uffff', 'a\nb\tc'),
    )
    fc.assert(
      fc.property(fc.array(evil, { minLength: 1 }), parts => {
        const said = parts.join('')
        const outcome = makeOutcome('failed', {
          host: `h${said}`,
          error: { message: said, hint: said },
          checks: [{ name: 'c', status: 'fail', detail: said }],
        })
        const suite = suiteIn([...runXml({ ...header, run: said }, [outcome], 1)].join(''))
        expect(casesIn(suite)).toHaveLength(1)
        const words = said.match(/[a-z]{2,}/g) ?? []
        for (const word of words) expect(casesIn(suite)[0]?.children[0]?.attributes.message).toContain(word)
      }),
      { numRuns: 500 },
    )
  })
})
