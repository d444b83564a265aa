/** raise: a larger table and hash, at once and over a reboot. */
import { z } from 'zod'
import type { Change } from '../change/change.ts'
import type { Facts, Family } from '../facts/facts.ts'
import { formatCount } from '../lang/numbers.ts'
import { OWN_SYSCTL_FILE, SHARED_SYSCTL_FILE, sameVariable } from './boot.ts'
import { hashsizePath, maxSysctl } from './names.ts'
import { ownershipBlockers } from './ownership.ts'
import { type Persistence, persist } from './persist.ts'
import { autoBuckets, autoMax, memoryVerdict, type Size, wholePages } from './sizing.ts'
import { type Blocker, type Draft, defineStrategy } from './strategy.ts'

/** The kernel's own type for both is a signed 32-bit integer. */
const INT_MAX = 2_147_483_647
/** Below this many times the present count every new connection would soon be dropped. */
const LEAST_OVER_COUNT = 1.2
/** Where every run on a host leaves its undo. */
export const RUNS_DIRECTORY = '/var/lib/ctfix'
/** Average entries a bucket may hold; beyond, kernels that limit chain lengths refuse entries in silence. */
const MOST_PER_BUCKET = 8

const size = z.custom<number | 'auto'>(
  input => input === 'auto' || (typeof input === 'number' && Number.isInteger(input) && input >= 1 && input <= INT_MAX),
  { error: `expected auto or a whole number from 1 to ${INT_MAX}` },
)

const options = z.strictObject({
  max: size.default('auto').describe('entries the table may hold, or auto'),
  buckets: size.default('auto').describe('hash buckets, or auto'),
  headroom: z.number().min(1).max(16).default(2).describe('auto: how many times the demand to make room for'),
  lower: z.boolean().default(false).describe('go down to max and buckets too, where the host has more'),
})
type Options = z.infer<typeof options>

interface Target {
  readonly max: Size
  readonly buckets: Size
}

export const raise = defineStrategy<Options>({
  name: 'raise',
  summary: 'a larger table and hash (nf_conntrack_max, hashsize), at once and over a reboot',
  relief: 'at-once',
  options,
  plan,
})

function plan(wanted: Options, facts: Facts): Draft {
  const { family } = facts
  if (family === null || facts.max === null) {
    const why =
      facts.providedBy === 'absent' ? 'conntrack is not loaded: there is no table to raise' : 'no limit to be seen'
    return {
      changes: [],
      warnings: [why],
      blockers: facts.providedBy === 'absent' ? [] : ownershipBlockers(facts),
      settled: wanted,
    }
  }
  if (!facts.ownsKernel) return { changes: [], warnings: [], blockers: ownershipBlockers(facts), settled: wanted }
  if (facts.max === 0 && !wanted.lower) {
    return { changes: [], warnings: ['max is 0: this kernel takes that as unlimited'], blockers: [], settled: wanted }
  }
  const target = choose(wanted, facts, family)
  const memory = memoryVerdict(facts, target.max.value, target.buckets.value)
  const runtime = runtimeChanges(facts, family, target)
  // A healthy host is left as it is, unless a file would take its limit away at the next boot.
  const settings = facts.sysctlSettings.filter(({ key }) => sameVariable(key, maxSysctl(family)))
  const atBoot = settings.at(-1)?.value ?? null
  const holds = !isOurs(facts, family) && (atBoot === null || atBoot === String(facts.max))
  const untouched = runtime.length === 0 && wanted.max === 'auto' && wanted.buckets === 'auto' && holds
  const kept = untouched ? { changes: [], blockers: [] } : lasting(facts, family, target)
  return {
    changes: [...runtime, ...kept.changes],
    warnings: runtime.length > 0 ? memory.warnings : [],
    blockers: [
      ...ownershipBlockers(facts),
      ...writableBlockers(facts, target),
      ...fitBlockers(facts, target),
      ...(runtime.length > 0 ? memory.blockers : []),
      ...kept.blockers,
    ],
    settled: untouched ? wanted : { ...wanted, max: target.max.value, buckets: target.buckets.value },
  }
}

/** Replaces `auto`, and keeps what is higher already unless told to go down. */
function choose(wanted: Options, facts: Facts, family: Family): Target {
  const current = { max: facts.max ?? 0, buckets: facts.buckets ?? 0 }
  const asked: Size =
    wanted.max === 'auto'
      ? autoMax(facts, wanted.headroom, isOurs(facts, family))
      : { value: wanted.max, why: `asked for: max ${formatCount(wanted.max)}` }
  const keepMax = !wanted.lower && current.max >= asked.value
  const max = keepMax ? { value: current.max, why: 'kept: already as high' } : asked
  const bucketsAsked =
    wanted.buckets === 'auto'
      ? autoBuckets(facts, max.value)
      : { value: wanted.buckets, why: `asked for: buckets ${formatCount(wanted.buckets)}` }
  // What cannot be written stays, and the limit is judged against what there is.
  if (!facts.writable.buckets) return { max, buckets: { value: current.buckets, why: 'kept: read-only here' } }
  const rounded = { ...bucketsAsked, value: wholePages(facts, family, bucketsAsked.value) }
  const lowerBuckets = wanted.lower && wanted.buckets !== 'auto'
  const keepBuckets = !lowerBuckets && current.buckets >= bucketsAsked.value
  return { max, buckets: keepBuckets ? { value: current.buckets, why: 'kept: already as many' } : rounded }
}

function lasting(facts: Facts, family: Family, target: Target): Persistence {
  return persist(facts, family, {
    sysctls: new Map([[maxSysctl(family), String(target.max.value)]]),
    hashsize: target.buckets.value,
  })
}

/** The limit that is live is one we set: in our own file, or in the shared one of a host where ctfix has been at work. */
function isOurs(facts: Facts, family: Family): boolean {
  const wasHere = facts.directories.includes(RUNS_DIRECTORY)
  return facts.sysctlSettings.some(
    ({ file, key, value }) =>
      (file === OWN_SYSCTL_FILE || (file === SHARED_SYSCTL_FILE && wasHere)) &&
      sameVariable(key, maxSysctl(family)) &&
      value === String(facts.max),
  )
}

/** Growing: buckets first, so that the longer table never has long chains. Shrinking: the limit first. */
function runtimeChanges(facts: Facts, family: Family, target: Target): Change[] {
  const changes: Change[] = []
  if (facts.buckets !== target.buckets.value) {
    changes.push(value(hashsizePath(family), facts.buckets, target.buckets))
  }
  if (facts.max !== target.max.value) changes.push(value(maxSysctl(family), facts.max, target.max))
  return target.max.value >= (facts.max ?? 0) ? changes : changes.toReversed()
}

function value(target: string, before: number | null, { value: after, why }: Size): Change {
  return {
    kind: 'kernel-value',
    layer: 'runtime',
    target,
    before: before === null ? null : String(before),
    after: String(after),
    why,
  }
}

function writableBlockers(facts: Facts, target: Target): Blocker[] {
  if (facts.writable.max || facts.max === target.max.value || !facts.root) return []
  return [{ code: 'limit-read-only', message: 'the limit is read-only here', forceable: false }]
}

function fitBlockers(facts: Facts, target: Target): Blocker[] {
  const blockers: Blocker[] = []
  const count = facts.count ?? 0
  if (target.max.value !== 0 && target.max.value < count * LEAST_OVER_COUNT) {
    blockers.push({
      code: 'below-count',
      message: `max ${formatCount(target.max.value)} is below ${LEAST_OVER_COUNT} × the ${formatCount(count)} entries there are: new connections would be dropped`,
      forceable: false,
    })
  }
  const perBucket = target.max.value / Math.max(1, target.buckets.value)
  if (perBucket > MOST_PER_BUCKET) {
    blockers.push({
      code: 'too-few-buckets',
      message: `${formatCount(target.max.value)} entries on ${formatCount(target.buckets.value)} buckets are ${perBucket.toFixed(0)} a bucket (most: ${MOST_PER_BUCKET}): newer kernels then refuse connections in silence`,
      forceable: false,
    })
  }
  return blockers
}
