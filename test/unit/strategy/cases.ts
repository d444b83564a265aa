/** The dropped-in cases: test/strategy/<name>/*.yaml, read. */
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { TrackingFacts } from '../../../src/facts/asked.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { strategies } from '../../../src/strategy/index.ts'
import type { Strategy } from '../../../src/strategy/strategy.ts'
import { CENTOS5, makeFacts } from '../../support/facts.ts'
import { factsWithRules, rulesSchema } from './rules.ts'

/** What a probe that was asked finds on a plain host; a case says what differs. */
export const NO_TRACKING: TrackingFacts = {
  available: null,
  dryRuns: {},
  initramfs: null,
  savedRules: [],
  savedUnread: [],
  services: [],
  interfaces: ['lo', 'eth0'],
  otherNamespaces: 0,
  ownConnection: null,
  resolvers: [],
  timeServers: [],
}

const record = z.record(z.string(), z.unknown())
const caseSchema = z.strictObject({
  /** What this case is about, one sentence. */
  about: z.string(),
  platform: z.enum(['debian', 'centos5']).default('debian'),
  facts: record.default({}),
  /** Live rules and saved files, in fewer words than the facts have for them. */
  ...rulesSchema.shape,
  options: record.default({}),
  /** `target: after` of live values; files by the lines they must hold. */
  runtime: z.record(z.string(), z.coerce.string()).default({}),
  /** `target: before` of live values that go with their module, in the order in which they come back. */
  gone: z.record(z.string(), z.coerce.string()).default({}),
  files: z.record(z.string(), z.array(z.string())).default({}),
  /** Lines of the diff of rules and entries: these among them, and none at all for an empty list. */
  rules: z.array(z.string()).optional(),
  /** In no line of the whole diff. */
  absent: z.array(z.string()).default([]),
  blockers: z.array(z.string()).default([]),
  /** Each is part of one warning. */
  warnings: z.array(z.string()).default([]),
})

export interface Case {
  readonly path: string
  readonly strategy: Strategy
  readonly given: z.output<typeof caseSchema>
  readonly facts: Facts
}

export const CASES: readonly Case[] = globSync('test/strategy/*/*.yaml')
  .toSorted()
  .map(path => {
    const strategy = strategies.find(({ name }) => name === basename(dirname(path)))
    if (!strategy) throw new Error(`no strategy for ${path}`)
    const given = caseSchema.parse(parse(readFileSync(path, 'utf8')))
    const platform = given.platform === 'centos5' ? CENTOS5 : {}
    const asked = strategy.needs.tracking && given.facts.tracking !== null
    const tracking = asked ? { tracking: { ...NO_TRACKING, ...record.optional().parse(given.facts.tracking) } } : {}
    return {
      path,
      strategy,
      given,
      facts: makeFacts({ ...platform, ...given.facts, ...tracking, ...factsWithRules(given, platform) }),
    }
  })
