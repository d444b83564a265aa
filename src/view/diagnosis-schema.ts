/** What `ctfix diagnose --output json` holds; part of schema.ts. */
import { z } from 'zod'
import type { Severity } from '../diagnose/finding.ts'
import { EXIT } from '../errors.ts'
import { STATUSES } from '../run/status.ts'
import { SCHEMA_VERSION } from './document.ts'
import { facts, words } from './facts-schema.ts'

const finding = z.strictObject({
  code: z.string().describe('stable word for programs'),
  severity: words<Severity>({ critical: true, warning: true, notice: true }),
  title: z.string(),
  evidence: z.array(z.string()),
  remedy: z.string(),
})

const recommendation = z.strictObject({
  steps: z
    .array(z.strictObject({ strategy: z.string(), options: z.record(z.string(), z.unknown()) }))
    .describe('empty: no strategy is recommended'),
  why: z.string(),
  command: z.string().nullable(),
  blockers: z
    .array(z.strictObject({ code: z.string(), message: z.string(), forceable: z.boolean() }))
    .describe('what stands against the strategy that would be it'),
})

/** `ctfix diagnose --output json`. */
export const diagnosisSchema = z
  .strictObject({
    schema: z.literal(SCHEMA_VERSION).describe('changes when a field changes its meaning or goes'),
    exit_code: z.literal(Object.values(EXIT)),
    hosts: z.array(
      z.strictObject({
        name: z.string(),
        status: z.enum(STATUSES).describe('would-change: a finding that is more than a notice'),
        facts: facts.nullable(),
        findings: z.array(finding).nullable().describe('the worst first; null: nobody could look'),
        recommendation: recommendation.nullable(),
        error: z.strictObject({ message: z.string(), hint: z.string().nullable() }).nullable(),
      }),
    ),
  })
  .meta({ title: 'ctfix diagnose', description: 'What is wrong with each host, and what would cure it.' })
