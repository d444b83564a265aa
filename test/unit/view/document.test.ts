import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { parseProbe } from '../../../src/facts/parse.ts'
import type { Outcome } from '../../../src/run/status.ts'
import { STATUSES } from '../../../src/run/status.ts'
import {
  documentText,
  factsDocument,
  type HostsDocument,
  runDocument,
  summarize,
  toDocument,
} from '../../../src/view/document.ts'
import { factsSchema, jsonSchemas, runSchema } from '../../../src/view/schema.ts'
import { CENTOS5, makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'

const header = { run: 'RUN', command: 'apply', strategy: ['raise', 'timeouts'] }
const ESC = '\u001b'

/** Facts of the recorded platforms, by their names. */
function platforms(): [string, Facts][] {
  const fixtures = new URL('../../facts/', import.meta.url)
  return readdirSync(fixtures, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => {
      const output = readFileSync(new URL(`${name}/probe.txt`, fixtures), 'utf8')
      return [name, parseProbe(name, output, /@@(\S+) /.exec(output)?.[1] ?? '')]
    })
}

const everyPart: readonly Outcome[] = [
  makeOutcome('changed', {
    facts: makeFacts(),
    plan: planFor({ files: [{ path: '/etc/sysctl.conf', state: null, refused: 'a link' }] }),
    checks: [{ name: 'drops-still', status: 'unknown', detail: 'this kernel shows no conntrack counters' }],
  }),
  makeOutcome('blocked', { plan: planFor({ managers: ['kube-proxy'], ...CENTOS5 }) }),
  makeOutcome('would-change', { plan: planFor({ managers: ['kube-proxy'] }, { force: true }) }),
  makeOutcome('failed', { cause: 'stale', error: { message: 'm', hint: 'h' } }),
  ...STATUSES.map(status => makeOutcome(status)),
]

const parsed = (document: HostsDocument) => JSON.parse([...documentText(document, 2)].join(''))

describe('a document', () => {
  it('has snake_case keys, all the way down', () => {
    expect(toDocument({ bootId: 1, nat: { inUse: [{ lastAtSeconds: null }] }, tcp_established: 2, ipv4: 3 })).toEqual({
      boot_id: 1,
      nat: { in_use: [{ last_at_seconds: null }] },
      tcp_established: 2,
      ipv4: 3,
    })
  })

  it('has no control character of a host, in keys or values', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const printed = JSON.stringify(toDocument({ [text]: [text, { text }] }))
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(printed).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]|\\u001b/)
      }),
    )
    expect(toDocument(`${ESC}[2J`)).toBe('\\x1b[2J')
  })

  it('of facts has every host, and of files only that they are there', () => {
    const outcomes = [makeOutcome('ok', { facts: makeFacts() }), makeOutcome('unreachable', { host: 'web-2' })]
    const document = parsed(factsDocument(outcomes, 3))
    expect(document).toMatchObject({
      schema: 1,
      exit_code: 3,
      hosts: [
        { name: 'web-1', status: 'ok', facts: { provided_by: 'module', stats: { drop: 0 }, table_full_lines: 0 } },
        { name: 'web-2', status: 'unreachable', facts: null },
      ],
    })
    expect(JSON.stringify(document)).not.toContain('"content"')
  })

  it('of a run has header, exit code, counts and every part of a host', () => {
    expect(parsed(runDocument(header, everyPart, 5))).toMatchObject({
      run: 'RUN',
      command: 'apply',
      strategy: ['raise', 'timeouts'],
      exit_code: 5,
      summary: { targeted: 14, changed: 2 },
      hosts: expect.arrayContaining([
        expect.objectContaining({ status: 'would-change', blockers: [], forced: [expect.anything()] }),
        expect.objectContaining({ status: 'blocked', blockers: [expect.anything()], forced: [] }),
      ]),
    })
  })

  it('of a host without a plan has empty lists, no holes', () => {
    expect(parsed(runDocument(header, [makeOutcome('unreachable')], 3))).toMatchObject({
      hosts: [{ changes: [], warnings: [], blockers: [], forced: [], diff: '', checks: [], error: null }],
    })
  })
})

describe('the summary', () => {
  it('always has targeted, ok, changed and failed, others where they occur', () => {
    expect(summarize([])).toEqual({ targeted: 0, ok: 0, changed: 0, failed: 0 })
    expect(summarize([makeOutcome('rolled-back'), makeOutcome('ok'), makeOutcome('ok')])).toEqual({
      targeted: 3,
      ok: 2,
      changed: 0,
      failed: 0,
      rolled_back: 1,
    })
  })
})

describe('the schemas', () => {
  it.each(platforms())('know every field of the facts of %s', (_, facts) => {
    expect(factsSchema.safeParse(parsed(factsDocument([makeOutcome('ok', { facts })], 0))).error).toBeUndefined()
  })

  it('know facts that were watched for a while, and hosts without any', () => {
    const { stats, log } = makeFacts()
    const watched = makeFacts({ earlier: { stats, log, secondsBefore: 10 }, states: { tcp_established: 4 } })
    expect(
      factsSchema.safeParse(parsed(factsDocument([makeOutcome('ok', { facts: watched }), makeOutcome('failed')], 1)))
        .error,
    ).toBeUndefined()
  })

  it('know every field of a run', () => {
    expect(runSchema.safeParse(parsed(runDocument(header, everyPart, 5))).error).toBeUndefined()
  })

  it('are strict here, so that a new field is not forgotten', () => {
    const document = parsed(runDocument(header, everyPart, 5))
    expect(runSchema.safeParse({ ...Object(document), extra: 1 }).success).toBe(false)
  })

  it.each([...jsonSchemas()])(
    'shipped as %s are up to date, and closed only where people write them',
    (name, schema) => {
      const shipped = readFileSync(new URL(`../../../schemas/${name}`, import.meta.url), 'utf8')
      expect(JSON.parse(shipped), 'write them anew with tools/schemas.ts').toEqual(JSON.parse(JSON.stringify(schema)))
      // What people write is closed, so that an editor marks a key that nobody reads; what programs read stays open.
      const closed = shipped.includes('"additionalProperties": false')
      expect(closed).toBe(name.startsWith('playbook-'))
    },
  )
})
