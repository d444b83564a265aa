/** How a run goes over its hosts: what flags and playbook ask for, with names in the place of patterns. Plain data. */

import type { Host } from '../../inventory/host.ts'
import type { Amount } from '../../lang/amount.ts'
import type { GateCommand } from './gate-command.ts'

export const ORDERS = ['inventory', 'pressure'] as const
export type Order = (typeof ORDERS)[number]

/** So many are allowed, of the hosts of the play that says so, or of the whole run where a flag does. */
export interface Limit {
  readonly amount: Amount
  readonly of: 'play' | 'run'
}

export interface Rules {
  /** Sizes of the batches, the last one again and again; none: all at once. */
  readonly serial: readonly Amount[]
  /** Go first, as a batch that must pass. */
  readonly canary: readonly string[]
  /** More than so many stop the run; rolled back is failed, too. */
  readonly maxFailed: Limit | null
  readonly maxUnreachable: Limit | null
  /** Seconds to wait between two batches. */
  readonly bakeSeconds: number
  /** A command of this machine that must succeed between two batches. */
  readonly gate: GateCommand | null
  /** Of the hosts inside a batch: `pressure` takes the fullest table first. */
  readonly order: Order
}

export const NO_RULES: Rules = {
  serial: [],
  canary: [],
  maxFailed: null,
  maxUnreachable: null,
  bakeSeconds: 0,
  gate: null,
  order: 'inventory',
}

/** Hosts that go by the same rules: those of one play, or all. */
export interface Stretch {
  /** The play's name. */
  readonly name: string | null
  readonly hosts: readonly Host[]
  readonly rules: Rules
  /** What percentages are of; a run that goes on with another counts the hosts of that one, too. */
  readonly total: number
  /** The same of the whole run, where plays of it are done already and have no hosts left. */
  readonly ofRun?: number
  /** Seconds after which its hosts take themselves back; null: as for all. */
  readonly revertInSeconds: number | null
}

/** What percentages of a whole run are of. */
export function hostsOfRun(stretches: Iterable<Stretch>): number {
  const all = [...new Set(stretches)]
  return all[0]?.ofRun ?? all.reduce((sum, { total }) => sum + total, 0)
}
