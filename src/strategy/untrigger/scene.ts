/** The rules without those that are to go: how far packets come in each chain, and which chains they come to at all. */
import type { Facts } from '../../facts/facts.ts'
import type { Rule } from '../../firewall/ruleset.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { type ChainView, type TableView, tableKey, type Views } from './chains.ts'

export interface Host {
  /** Names of the network interfaces; null where nobody looked. */
  readonly interfaces: readonly string[] | null
  readonly forwarding: Facts['forwarding']
}

export interface Scene {
  readonly views: Views
  readonly host: Host
  /** By `chainKey`: indexes of the rules that are to go. */
  readonly gone: ReadonlyMap<string, ReadonlySet<number>>
  /** By `chainKey`: index of the first rule after which no packet comes to the next. */
  readonly ends: ReadonlyMap<string, number>
  /** By table: chains that something leads to. */
  readonly reached: ReadonlyMap<string, ReadonlySet<string>>
}

export const chainKey = (table: string, chain: string): string => `${table} ${chain}`

/** Looks once at every rule, for there may be thousands. */
export function sceneOf(views: Views, host: Host, leaving: ReadonlySet<Trigger>): Scene {
  const gone = new Map<string, Set<number>>()
  for (const { place, position } of leaving) {
    const key = chainKey(tableKey(place), place.chain)
    gone.set(key, (gone.get(key) ?? new Set()).add(position - 1))
  }
  const ends = new Map<string, number>()
  for (const [table, { chains }] of views) {
    for (const [chain, view] of chains) {
      const key = chainKey(table, chain)
      const end = view.entries.findIndex(({ parts }, at) => !gone.get(key)?.has(at) && parts.some(endsAll))
      if (end !== -1) ends.set(key, end)
    }
  }
  const reached = new Map([...views].map(([table, view]) => [table, reachedIn(table, view, gone, ends)]))
  return { views, host, gone, ends, reached }
}

const ENDS = ['accept', 'drop', 'return', 'goto']

/** It takes every packet, and none comes to the rules after it. */
function endsAll({ matches, verdict }: Rule): boolean {
  return ENDS.includes(verdict.is) && matches.every(({ condition, not }) => condition.is === 'always' && !not)
}

function reachedIn(table: string, { chains, leads }: TableView, gone: Scene['gone'], ends: Scene['ends']): Set<string> {
  const reached = new Set([...leads, ...[...chains].flatMap(([name, { base }]) => (base ? [name] : []))])
  // A set goes on with what is added on the way.
  for (const name of reached) {
    const key = chainKey(table, name)
    const entries: ChainView['entries'] = chains.get(name)?.entries ?? []
    for (const [at, entry] of entries.slice(0, (ends.get(key) ?? entries.length) + 1).entries()) {
      if (gone.get(key)?.has(at)) continue
      for (const chain of entry.leads) reached.add(chain)
    }
  }
  return reached
}
