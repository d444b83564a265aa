/** How large a table should be, and what that costs. All numbers carry their reason. */
import type { Facts, Family } from '../facts/facts.ts'
import { formatBytes, formatCount, formatShare, nextPowerOfTwo } from '../lang/numbers.ts'
import type { Blocker } from './strategy.ts'

/** Planning size of one entry where slabinfo is unreadable: slab object plus extensions, rounded up. */
const ENTRY_BYTES = 384
/** Extensions (NAT, accounting, timestamps) are allocated beside the slab object. */
const EXTENSION_BYTES = 128
/** The kernel takes one pointer a bucket (two on 2.6.18). */
const BUCKET_BYTES = 8
/** Above this share of memory `auto` does not go by itself. */
const AUTO_MEMORY_SHARE = 0.05
/** Limits of what is accepted at all; the table is memory that cannot be swapped. */
const WARN_SHARE = 0.05
const BLOCK_SHARE = 0.15
const BLOCK_AVAILABLE_SHARE = 0.5
const LOW_MEMORY_BYTES = 896 * 1024 ** 2
/** A table at this share is under pressure: hiccups above it are drops. */
export const PRESSURE = 0.8

/**
 * A size of ours that is not under pressure stays, until demand asks for more than the next power of two: a count that
 * breathes around half of it must not make every second run a change.
 */
const SETTLED_STEPS = 2

/** Bytes a full table of this size takes, by what the host says of its entries. */
export function tableBytes(facts: Facts, max: number, buckets: number): number {
  return max * entryBytes(facts) + buckets * BUCKET_BYTES
}

function entryBytes(facts: Facts): number {
  return facts.entryBytes === null ? ENTRY_BYTES : facts.entryBytes + EXTENSION_BYTES
}

/**
 * True when the count says less than the demand: the table is (or was) full, so connections that would have counted
 * were dropped. What was logged or counted before our own limit was set is no evidence against that limit.
 */
function isCensored(facts: Facts, alreadyOurs: boolean): boolean {
  if (facts.usage !== null && facts.usage >= PRESSURE) return true
  if (alreadyOurs) return false
  const counters = facts.stats?.counters ?? {}
  return (counters.drop ?? 0) > 0 || (counters.early_drop ?? 0) > 0 || (facts.log?.lines ?? 0) > 0
}

export interface Size {
  readonly value: number
  readonly why: string
}

/** The size `auto` chooses: never below the present one, never above its share of memory. */
export function autoMax(facts: Facts, headroom: number, alreadyOurs: boolean): Size {
  const count = facts.count ?? 0
  const current = facts.max ?? 0
  const censored = isCensored(facts, alreadyOurs)
  // A full table hides its demand: twice the limit is the least it can be, and headroom comes on top.
  const peak = censored ? Math.max(count, 2 * current) : count
  const step = nextPowerOfTwo(headroom * peak)
  const settled = alreadyOurs && !censored && step <= SETTLED_STEPS * current
  const wanted = settled ? current : step
  const cap = memoryCap(facts)
  const max = Math.max(current, Math.min(wanted, cap))
  const demand = censored
    ? `the table was full, so its demand is at least 2 × ${formatCount(current)}`
    : `${formatCount(count)} entries now`
  const limited = wanted > cap ? `; limited to ${formatShare(AUTO_MEMORY_SHARE)} of memory` : ''
  const cost = formatBytes(tableBytes(facts, max, max))
  const why =
    max === current
      ? `${demand}: ${formatCount(current)} is enough${limited}`
      : `${demand}, times headroom ${headroom}, to a power of two${limited}; at most ${cost} when full`
  return { value: max, why }
}

/** Largest power of two whose full table (one bucket an entry) stays inside auto's share of memory. */
function memoryCap(facts: Facts): number {
  const budget = tableMemory(facts) * AUTO_MEMORY_SHARE
  return nextPowerOfTwo(Math.floor(budget / (entryBytes(facts) + BUCKET_BYTES)) + 1) / 2
}

/**
 * Buckets for a table. Kernels that limit chain lengths (their stat file has the column `chainlength`) drop in silence
 * when chains get long: one bucket an entry there, one for two elsewhere.
 */
export function autoBuckets(facts: Facts, max: number): Size {
  const strict = facts.stats !== null && 'chainlength' in facts.stats.counters
  return strict
    ? { value: max, why: 'one bucket an entry: this kernel silently refuses entries when a chain gets long' }
    : { value: Math.ceil(max / 2), why: 'one bucket for two entries keeps chains short' }
}

/**
 * The hash size as the kernel will have it: rounded up to whole pages of pointers (512 on x86-64, 8192 with 64 KiB
 * pages). Planned so, the live value and the one in the file are the same. ip_conntrack (2.6.18) does not round.
 */
export function wholePages(facts: Facts, family: Family, buckets: number): number {
  const step = family === 'ip_conntrack' ? 1 : facts.pageBytes / (is32Bit(facts) ? 4 : 8)
  return Math.ceil(buckets / step) * step
}

/** The machine's word size decides where kernel memory ends; a 64-bit kernel is named with 64 (or is one of these). */
function is32Bit({ machine }: Facts): boolean {
  return /^(i[3-6]86|armv[4-7]\w*|mips(el)?|ppc|riscv32)$/.test(machine)
}

/** Memory the table can lie in: 32-bit kernels have 896 MiB of it, however much is installed. */
function tableMemory(facts: Facts): number {
  return is32Bit(facts) ? Math.min(facts.memoryBytes, LOW_MEMORY_BYTES) : facts.memoryBytes
}

/** Reasons of memory not to go there, and a warning before that. */
export function memoryVerdict(facts: Facts, max: number, buckets: number): { blockers: Blocker[]; warnings: string[] } {
  const bytes = tableBytes(facts, max, buckets)
  const share = bytes / tableMemory(facts)
  const available = facts.memoryAvailableBytes
  const cost = `a full table of ${formatCount(max)} entries takes ${formatBytes(bytes)}, ${formatShare(share)} of memory`
  if (share > BLOCK_SHARE || (available !== null && bytes > available * BLOCK_AVAILABLE_SHARE)) {
    const message =
      share > BLOCK_SHARE
        ? `${cost}; the limit is ${formatShare(BLOCK_SHARE)}`
        : `${cost}; only ${formatBytes(available ?? 0)} are available now, and half of that is the limit`
    return { blockers: [{ code: 'does-not-fit-memory', message, forceable: false }], warnings: [] }
  }
  return { blockers: [], warnings: share > WARN_SHARE ? [cost] : [] }
}
