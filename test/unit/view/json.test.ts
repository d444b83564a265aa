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
  { type: 'phase', host: 'web-1', phase: 'connect' },
  { type: 'planned', host: 'web-1', plan: planFor() },
  { type: 'intent', host: 'web-1', step: 'undo', runDir: '/var/lib/ctfix/RUN' },
  ...outcomes.map(outcome => ({ type: 'outcome' as const, host: outcome.host, outcome })),
]

/** What a view prints while `use` plays a run with it. */
function printed(output: Output, use: (view: View) => void): { readonly out: string; readonly err: string } {
  const said = { out: '', err: '' }
  const streams = {
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
    interactive: false,
    color: false,
  }
  use(createView(output, streams, { phases: ['connect', 'probe'], total: 1 }))
  return said
}

function wholeRun(view: View): void {
  for (const event of events) view.onEvent(event)
  view.plans(outcomes)
  view.result(header, outcomes, 0)
}

describe('--output json', () => {
  it('is one document on stdout and nothing else', () => {
    const { out, err } = printed('json', wholeRun)
    expect(runSchema.parse(JSON.parse(out))).toMatchObject({ run: 'RUN', hosts: [{ name: 'web-1' }] })
    expect(err).toBe('')
  })

  it('of facts is the document of facts', () => {
    const { out } = printed('json', view => view.facts(outcomes, 0))
    factsSchema.parse(JSON.parse(out))
  })
})

describe('--output ndjson', () => {
  const lines = printed('ndjson', wholeRun).out.trimEnd().split('\n')

  it('is an event a line, as the schema says, each with its host', () => {
    const told = lines.slice(0, -1).map(line => eventSchema.parse(JSON.parse(line)))
    expect(told.map(({ type, host }) => [type, host])).toEqual(events.map(({ type, host }) => [type, host]))
  })

  it('ends with the whole result', () => {
    runSchema.parse(JSON.parse(lines.at(-1) ?? ''))
  })
})

describe('--output human', () => {
  it('puts results on stdout and progress on stderr', () => {
    const { out, err } = printed('human', wholeRun)
    expect(out).toContain('nf_conntrack_max: 65536 → 131072')
    expect(out).toContain('recap')
    expect(err).toBe('[1/1] web-1  would-change\n')
  })
})
