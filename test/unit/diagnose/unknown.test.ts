/** What nobody could look at is neither well nor a leak. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import { parseProbe } from '../../../src/facts/parse.ts'
import { but, calm, censusOf } from './hosts.ts'

it('a tool that was refused lists nothing, which is no leak', () => {
  const refused = { ...censusOf([]), source: 'netlink' as const, count: 50_000 }
  expect(diagnose(but(calm, { count: 50_000, census: refused })).findings).toEqual([])
  const listed = { ...refused, rows: 20_000 }
  const { findings } = diagnose(but(calm, { count: 50_000, census: listed }))
  expect(findings.map(({ code }) => code)).toEqual(['entries-leak'])
})

it('of a table that was not read nothing is recommended, and that is said', () => {
  const { recommendation } = diagnose(but(calm, { count: null }))
  expect(recommendation.steps).toEqual([])
  expect(recommendation.why).toMatch(/nobody knows/)
})

it('a count of entries that never came to its end is none', () => {
  const recorded = readFileSync(new URL('../../facts/debian12-full/probe.txt', import.meta.url), 'utf8')
  const nonce = /@@(\S+) /.exec(recorded)?.[1] ?? ''
  const census = (text: string) => parseProbe('web-1', `\n@@${nonce} census\n${text}${recorded}`, nonce).census
  expect(census('source proc\nrows 5\ncount 600\n')).toMatchObject({ rows: 5, count: 600 })
  expect(census('source proc\ncount 600\n')).toBeNull()
})
