import { describe, expect, it } from 'vitest'
import type { Event } from '../../../src/run/events.ts'
import { createView } from '../../../src/view/index.ts'
import { eventSchema, factsSchema, runSchema } from '../../../src/view/schema.ts'
import type { Output, View } from '../../../src/view/view.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'

const header = { run: 'RUN', command: 'plan', strategy: ['raise'] }
const outcomes = [makeOutcome('would-change', { facts: makeFacts(), plan: planFor() })]
const events: readonly Event[] = [
  { type: 'batch', index: 1, of: 2, hosts: ['web-1'], canary: true },
  { type: 'gate', after: 1, kind: 'symptom', status: 'passed', detail: 'no drop' },
  { type: 'stopped', reason: 'too many failed', notAttempted: ['web-2'] },
  { type: 'phase', host: 'web-1', phase: 'connect' },
  { type: 'planned', host: 'web-1', plan: planFor() },
  { type: 'intent', host: 'web-1', step: 'undo', runDir: '/var/lib/ctfix/RUN' },
  ...outcomes.map(outcome => ({ type: 'outcome' as const, host: outcome.host, outcome })),
]

/** What a view prints while `use` plays a run with it. */
async function printed(
  output: Output,
  use: (view: View) => unknown,
): Promise<{ readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' }
  const streams = {
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
    terminal: null,
    color: false,
  }
  await use(createView(output, streams, { phases: ['connect', 'probe'], total: 1 }))
  return said
}

async function wholeRun(view: View): Promise<void> {
  for (const event of events) view.onEvent(event)
  await view.plans(outcomes)
  await view.result(header, outcomes, 0)
}

describe('--output json', () => {
  it('is one document on stdout and nothing else', async () => {
    const { out, err } = await printed('json', wholeRun)
    expect(runSchema.parse(JSON.parse(out))).toMatchObject({ run: 'RUN', hosts: [{ name: 'web-1' }] })
    expect(err).toBe('')
  })

  it('of facts is the document of facts', async () => {
    const { out } = await printed('json', view => view.facts(outcomes, 0))
    expect(factsSchema.safeParse(JSON.parse(out)).error).toBeUndefined()
  })
})

describe('--output ndjson', async () => {
  const lines = (await printed('ndjson', wholeRun)).out.trimEnd().split('\n')

  it('is an event a line, as the schema says, each with its host', () => {
    const told = lines.slice(0, -1).map(line => eventSchema.parse(JSON.parse(line)))
    const hostIn = (event: object): unknown => ('host' in event ? event.host : null)
    expect(told.map(event => [event.type, hostIn(event)])).toEqual(events.map(event => [event.type, hostIn(event)]))
  })

  it('ends with the whole result', () => {
    expect(runSchema.safeParse(JSON.parse(lines.at(-1) ?? '')).error).toBeUndefined()
  })
})

describe('--output human', () => {
  it('puts results on stdout and progress on stderr', async () => {
    const { out, err } = await printed('human', wholeRun)
    expect(out).toContain('nf_conntrack_max: 65536 → 131072')
    expect(out).toContain('recap')
    expect(err).toContain('[1/1] web-1  would-change\n')
    expect(out).toContain('stopped  too many failed; 1 host not attempted\nrecap')
  })
})

describe('reports', () => {
  it.each([
    [
      'markdown',
      /^# plan: `raise` on 1 host\n/,
      '- batch 1 of 2, the canary: 1 host, `web-1`\n  - symptom passed: `no drop`',
    ],
    [
      'junit',
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites /,
      '<property name="stopped" value="too many failed"/>',
    ],
  ] as const)('--output %s puts the report on stdout and progress on stderr', async (output, begins, part) => {
    const { out, err } = await printed(output, wholeRun)
    expect(out).toMatch(begins)
    expect(out).toContain(part)
    expect(err).toContain('[1/1] web-1  would-change\n')
    expect((await printed(output, view => view.facts(outcomes, 0))).out).toContain('nf_conntrack')
  })

  it.each(['markdown', 'junit', 'json'] as const)(
    '--output %s shows a person who is asked the plans on stderr',
    async output => {
      const { out, err } = await printed(output, view => view.ask?.(outcomes))
      expect(err).toContain('nf_conntrack_max: 65536 → 131072')
      expect(out).toBe('')
    },
  )
})
