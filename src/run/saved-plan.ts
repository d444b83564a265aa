/** A plan that was put by, as its file holds it. Equal plans of many hosts stand there once; no secret stands there at all. */
import { z } from 'zod'
import { EXIT } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { parseAmount } from '../lang/amount.ts'
import { canonical } from '../lang/canonical.ts'
import { eachPiece } from '../lang/pieces.ts'
import type { Plan } from '../plan/plan.ts'
import { planBody } from '../plan/plan-file.ts'
import { ORDERS } from './rollout/rules.ts'
import { isRunId } from './run-id.ts'
import type { Outcome, Status } from './status.ts'

/** Version of the file. It changes when a field changes its meaning or goes, not when one is added. */
export const PLAN_VERSION = 1

/** How a host was reached: where another machine or another user would answer, nothing was approved. */
const reached = z.object({
  connection: z.enum(['ssh', 'local']),
  address: z.string(),
  port: z.number().int().min(0).max(65_535),
  user: z.string(),
  become: z.object({ method: z.enum(['sudo', 'doas', 'su']), user: z.string() }).nullable(),
})

/** What `ctfix plan` makes of a host. */
const PLANNED = ['ok', 'would-change', 'blocked', 'skipped', 'unreachable', 'failed'] as const satisfies Status[]

const host = z.object({
  name: z.string(),
  status: z.enum(PLANNED),
  cause: z.literal('excluded').nullable(),
  error: z.object({ message: z.string(), hint: z.string().nullable() }).nullable(),
  elapsedMs: z.number().int().nonnegative(),
  plan: z.number().int().nonnegative().nullable().describe('its place in plans, from 0; null: none was made'),
  machineId: z.string().nullable(),
  bootId: z.string().nullable(),
  reached,
})

const amount = z.string().refine(text => parseAmount(text) !== null, 'expected a number or a percentage')
const limit = z.object({ amount, of: z.enum(['play', 'run']) }).nullable()

/** As the record of a run has it: recorded-rules.ts reads both. */
const stretch = z.object({
  name: z.string().nullable(),
  hosts: z.array(z.string()),
  total: z.number().int().nonnegative().optional().describe('what percentages are of: who is excluded is not'),
  revert_in: z.number().positive().nullable(),
  serial: z.array(amount),
  canary: z.array(z.string()),
  max_failed: limit,
  max_unreachable: limit,
  bake: z.number().nonnegative(),
  gate: z.string().nullable().describe('without the secrets in it'),
  gate_masked: z.boolean().optional().describe('true: it had some, and has to be given again'),
  order: z.enum(ORDERS),
})

/** What a file of this version holds. */
export const savedSchema = z
  .object({
    ctfix: z.literal('plan'),
    version: z.literal(PLAN_VERSION),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .describe('over everything else in here: an edited plan is refused'),
    // It becomes part of a path.
    id: z.string().refine(isRunId, 'expected 26 letters and digits'),
    madeAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    who: z.string(),
    strategy: z.array(z.string()),
    force: z.boolean().describe('made with --force: warning-level blockers are gone past, each is named'),
    exitCode: z.literal(Object.values(EXIT)).describe('what ctfix plan ended with'),
    rollout: z.array(stretch).describe('batches, limits and gates of the playbook it was made from; none: all at once'),
    plans: z.array(planBody),
    hosts: z.array(host),
  })
  .meta({
    title: 'ctfix plan --out',
    description: 'A saved plan, for ctfix show and apply --plan; every targeted host, in inventory order.',
  })

type SavedFile = z.infer<typeof savedSchema>
export type Reached = z.infer<typeof reached>

/** One host of it. */
export interface SavedHost extends Omit<SavedFile['hosts'][number], 'plan'> {
  readonly plan: Plan | null
}

/** The same, each host with its own plan. */
export interface SavedPlan extends Omit<SavedFile, 'ctfix' | 'version' | 'digest' | 'plans' | 'hosts'> {
  readonly hosts: readonly SavedHost[]
}

/** How this host is reached. */
export function reachedBy({ connection, address, port, user, become }: Host): Reached {
  return { connection, address, port, user, become: become && { method: become.method, user: become.user } }
}

/** What is kept of a host that was planned. */
export function savedHost(host: Host, outcome: Outcome): SavedHost {
  const { status, cause, error, elapsedMs, facts } = outcome
  // What the facts show is of this moment; what is done hangs on the plan alone.
  const { evidence: _, ...plan } = outcome.plan ?? { evidence: null }
  return {
    name: host.name,
    status: PLANNED.find(known => known === status) ?? 'failed',
    cause: cause === 'excluded' ? cause : null,
    error,
    elapsedMs,
    plan: 'host' in plan ? plan : null,
    machineId: facts?.machineId ?? null,
    bootId: facts?.bootId ?? null,
    reached: reachedBy(host),
  }
}

/** What is written, but for the digest. Others get their turn in between. */
export async function packPlan({ hosts, ...head }: SavedPlan): Promise<Omit<SavedFile, 'digest'>> {
  const places = new Map<string, number>()
  const plans: SavedFile['plans'] = []
  const packed: SavedFile['hosts'] = []
  const placeOf = (plan: Plan): number => {
    const { host: _, bootId: __, ...body } = plan
    const key = canonical(body)
    const place = places.get(key) ?? plans.length
    if (place === plans.length) {
      places.set(key, place)
      plans.push(planBody.parse(body))
    }
    return place
  }
  function* packing(): Generator<''> {
    for (const { plan, ...rest } of hosts) {
      packed.push({ ...rest, plan: plan && placeOf(plan) })
      yield ''
    }
  }
  await eachPiece(packing(), () => {})
  return { ctfix: 'plan', version: PLAN_VERSION, ...head, plans, hosts: packed }
}

/** What was written, host by host; null where a host names a plan that is not there. */
export function unpackPlan({ ctfix: _, version: __, digest: ___, plans, hosts, ...head }: SavedFile): SavedPlan | null {
  const unpacked = hosts.flatMap(({ plan: place, ...rest }): SavedHost[] => {
    if (place === null) return [{ ...rest, plan: null }]
    const body = plans[place]
    return body ? [{ ...rest, plan: { ...body, host: rest.name, bootId: rest.bootId } }] : []
  })
  return unpacked.length === hosts.length ? { ...head, hosts: unpacked } : null
}

/** The outcome of each host as `ctfix plan` had it. */
export function outcomesOf({ hosts }: SavedPlan): Outcome[] {
  return hosts.map(({ name, status, cause, error, elapsedMs, plan }) => {
    return { host: name, status, cause, error, elapsedMs, plan, facts: null, checks: [], digest: null }
  })
}
