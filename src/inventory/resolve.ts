/** Which value of a variable wins for a host: all < parent groups < child groups < the host. */
import { ConfigError } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import { buildGroupGraph, type GroupNode } from './group-graph.ts'
import type { HostEntry, InventoryModel, Variable } from './model.ts'

export interface ResolvedHost {
  readonly entry: HostEntry
  /** Every group it is in, `all` first, then as the files name them. */
  readonly groups: readonly string[]
  /** What its groups say, the winning value of each name. Hosts of the same groups share it. */
  readonly groupVars: ReadonlyMap<string, Variable>
}

export interface Resolved {
  readonly groups: ReadonlyMap<string, GroupNode>
  /** By name, in inventory order: the order of `all`, as Ansible runs them. */
  readonly hosts: ReadonlyMap<string, ResolvedHost>
}

/** Works out membership and precedence. Throws ConfigError for a circle of groups or a priority that is no number. */
export function resolve(model: InventoryModel): Resolved {
  const groups = buildGroupGraph(model)
  const direct = new Map<string, GroupNode[]>()
  for (const group of groups.values()) {
    for (const host of group.entry.hosts) {
      const known = direct.get(host)
      if (known) known.push(group)
      else direct.set(host, [group])
    }
  }
  const rank = new Map([...groups.keys()].map((name, i) => [name, i]))
  const settled = new Map<string, Omit<ResolvedHost, 'entry'>>()
  const hosts = new Map<string, ResolvedHost>()
  for (const name of groups.get('all')?.hosts ?? []) {
    const entry = model.hosts.get(name)
    if (!entry) continue
    const own = withUngrouped(direct.get(name) ?? [], groups)
    const key = own.map(group => group.name).join('\0')
    const membership = settled.get(key) ?? settle(own, groups, rank)
    settled.set(key, membership)
    hosts.set(name, { entry, ...membership })
  }
  return { groups, hosts }
}

/** `ungrouped` is where a host is that no other group has, whatever the file says. */
function withUngrouped(own: readonly GroupNode[], groups: ReadonlyMap<string, GroupNode>): readonly GroupNode[] {
  const named = own.filter(({ name }) => name !== 'all' && name !== 'ungrouped')
  const ungrouped = groups.get('ungrouped')
  return named.length > 0 || !ungrouped ? named : [ungrouped]
}

function settle(
  own: readonly GroupNode[],
  groups: ReadonlyMap<string, GroupNode>,
  rank: ReadonlyMap<string, number>,
): Omit<ResolvedHost, 'entry'> {
  const names = [...new Set(own.flatMap(({ lineage }) => lineage))]
  const members = names.map(name => groups.get(name)).filter(group => group !== undefined)
  const groupVars = new Map(members.toSorted(byPrecedence).flatMap(({ entry }) => [...entry.vars]))
  groupVars.delete('ansible_group_priority')
  return { groups: names.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)), groupVars }
}

/** Later wins: the deeper group, of equals the one of higher priority, then the one later in the alphabet. */
function byPrecedence(a: GroupNode, b: GroupNode): number {
  return a.depth - b.depth || priorityOf(a) - priorityOf(b) || (a.name < b.name ? -1 : 1)
}

function priorityOf({ entry }: GroupNode): number {
  const variable = entry.vars.get('ansible_group_priority')
  if (!variable) return 1
  const text = String(variable.value)
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  const message = `expected a whole number for ansible_group_priority, got ${describe(variable.value)}`
  throw new ConfigError(message, { place: variable.place })
}
