/** Measuring as a part of what is done to a host: before a change, while it is proved, and in what comes of it. */
import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError } from '../../errors.ts'
import type { Host } from '../../inventory/host.ts'
import type { Check } from '../checks.ts'
import type { Tools } from '../tools.ts'
import type { Measuring } from './outside.ts'
import type { Probed } from './probed.ts'
import { judgeProbed } from './verdict.ts'

/** Of tries that began just before they are asked for, the last ends so much later. */
export const SETTLE_SECONDS = 4

/** Measures the host as it is, for as long as it is watched after a change. Null: nobody asked for it. */
export async function measureBefore(host: Host, { outside, windowSeconds, signal }: Tools): Promise<Measuring | null> {
  const measuring = outside?.begin(host, 'before') ?? null
  if (measuring === null) return null
  try {
    await delay(windowSeconds * 1000, undefined, { signal })
    // Those that are lost are heard of before anything is changed.
    await measuring.probed()
    return measuring
  } catch (error) {
    measuring[Symbol.dispose]()
    if (!signal.aborted) throw error
    throw new ConnectError(host.name, 'aborted', `${host.name}: stopped while it was measured`)
  }
}

/** A check for each target. */
export async function judgeOutside(measuring: Measuring | null, relief: 'at-once' | 'later'): Promise<Check[]> {
  return ((await measuring?.probed()) ?? []).map(probed => judgeProbed(probed, relief))
}

/** The result, and what was measured on the way to it. */
export async function withProbes<T>(
  result: T,
  measuring: Measuring,
  { name }: Host,
  { emit }: Pick<Tools, 'emit'>,
): Promise<T & { readonly probes: readonly Probed[] }> {
  const probes = await measuring.probed()
  emit({ type: 'probe', host: name, probes })
  return { ...result, probes }
}
