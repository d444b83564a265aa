/** Dropped-in cases: test/strategy/<name>/*.yaml holds facts and options, and the changes or blockers they come to. */
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Change } from '../../../src/change/change.ts'
import { strategies } from '../../../src/strategy/index.ts'
import { CENTOS5, makeFacts } from '../../support/facts.ts'

const record = z.record(z.string(), z.unknown())
const caseSchema = z.strictObject({
  /** What this case is about, one sentence. */
  about: z.string(),
  platform: z.enum(['debian', 'centos5']).default('debian'),
  facts: record.default({}),
  options: record.default({}),
  /** `target: after` of live values; files by the lines they must hold. */
  runtime: z.record(z.string(), z.coerce.string()).default({}),
  files: z.record(z.string(), z.array(z.string())).default({}),
  blockers: z.array(z.string()).default([]),
  /** Each is part of one warning. */
  warnings: z.array(z.string()).default([]),
})

function runtimeOf(changes: readonly Change[]): Record<string, string | null> {
  return Object.fromEntries(
    changes.flatMap(change => (change.kind === 'kernel-value' ? [[change.target, change.after]] : [])),
  )
}

const paths = globSync('test/strategy/*/*.yaml').toSorted()

it('there are cases for every strategy', () => {
  const covered = new Set(paths.map(path => basename(dirname(path))))
  expect([...covered].toSorted()).toEqual(strategies.map(({ name }) => name).toSorted())
})

describe.each(paths)('%s', path => {
  const name = basename(dirname(path))
  const given = caseSchema.parse(parse(readFileSync(path, 'utf8')))
  it(given.about, () => {
    const strategy = strategies.find(candidate => candidate.name === name)
    if (!strategy) throw new Error(`no strategy ${name}`)
    const facts = makeFacts({ ...(given.platform === 'centos5' ? CENTOS5 : {}), ...given.facts })
    const draft = strategy.configure(given.options)(facts)
    expect(runtimeOf(draft.changes)).toEqual(given.runtime)
    const files = draft.changes.flatMap(change => (change.kind === 'file' ? [change] : []))
    expect(files.map(({ target }) => target).toSorted()).toEqual(Object.keys(given.files).toSorted())
    for (const change of files) {
      const lines = change.after?.content.split('\n') ?? []
      for (const line of given.files[change.target] ?? []) expect(lines).toContain(line)
    }
    expect(draft.blockers.map(({ code }) => code)).toEqual(given.blockers)
    for (const warning of given.warnings) {
      expect(
        draft.warnings.filter(text => text.includes(warning)),
        `a warning with: ${warning}`,
      ).toHaveLength(1)
    }
    expect(draft.warnings).toHaveLength(given.warnings.length)
    for (const change of draft.changes) expect(change.why).not.toBe('')
  })
})
