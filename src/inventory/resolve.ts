/** Which value of a variable wins for a host: all < parent groups < child groups < the host < the command line. */
import { ConfigError } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import { buildGroupGraph, type GroupNode } from './group-graph.ts'
import type { HostEntry, InventoryModel, Variable } from './model.ts'
import { refuseUnknown } from './variables.ts'
import type { VarsFolder } from './vars-files.ts'

export interface ResolvedHost {
  readonly entry: HostEntry
  /** Every group it is in, `all` first, then as the files name them. */
  readonly groups: readonly string[]
  /** What its groups say, the winning value of each name. Hosts of the same groups share it. Files are read for it. */
  readonly groupVars: () => ReadonlyMap<string, Variable>
  /** What files in host_vars say, read when asked, and over them the command line; they win over the inventory itself. */
  readonly files: () => ReadonlyMap<string, Variable>
}

/** Variables in files beside each inventory, and beside the playbook; the later folder wins. */
export interface VarsFiles {
  readonly groups: readonly VarsFolder[]
  readonly hosts: readonly VarsFolder[]
  /** Of the command line: over all of them, for every host. */
  readonly extra: ReadonlyMap<string, Variable>
}

export interface Resolved {
  readonly groups: ReadonlyMap<string, GroupNode>
  /** By name, in inventory order: the order of `all`, as Ansible runs them. */
  readonly hosts: ReadonlyMap<string, ResolvedHost>
}

/** Every variable of a host, the winning value of each. */
export function variablesOf(host: ResolvedHost | undefined): ReadonlyMap<string, Variable> {
  return new Map(host ? [...host.groupVars(), ...host.entry.vars, ...host.files()] : [])
}

/**
 * Works out membership; precedence and files only of hosts whose variables are asked for, so that a mistake elsewhere
 * stops nobody. Throws ConfigError for a circle of groups, and then for a priority that is no number.
 */
export function resolve(model: InventoryModel, files: VarsFiles): Resolved {
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
  const settled = new Map<string, Membership>()
  const hosts = new Map<string, ResolvedHost>()
  for (const name of groups.get('all')?.hosts ?? []) {
    const entry = model.hosts.get(name)
    if (!entry) continue
    const own = withUngrouped(direct.get(name) ?? [], groups)
    const key = own.map(group => group.name).join('\0')
    const membership = settled.get(key) ?? settle(own, groups, { rank, files })
    settled.set(key, membership)
    hosts.set(name, { entry, ...membership, files: () => said([...files.hosts, () => files.extra], [name]) })
  }
  return { groups, hosts }
}

/** `ungrouped` is where a host is that no other group has, whatever the file says. */
function withUngrouped(own: readonly GroupNode[], groups: ReadonlyMap<string, GroupNode>): readonly GroupNode[] {
  const named = own.filter(({ name }) => name !== 'all' && name !== 'ungrouped')
  const ungrouped = groups.get('ungrouped')
  return named.length > 0 || !ungrouped ? named : [ungrouped]
}

type Membership = Pick<ResolvedHost, 'groups' | 'groupVars'>

function settle(
  own: readonly GroupNode[],
  groups: ReadonlyMap<string, GroupNode>,
  { rank, files }: { readonly rank: ReadonlyMap<string, number>; readonly files: VarsFiles },
): Membership {
  const names = [...new Set(own.flatMap(({ lineage }) => lineage))]
  const members = names.map(name => groups.get(name)).filter(group => group !== undefined)
  let known: ReadonlyMap<string, Variable> | undefined
  const groupVars = (): ReadonlyMap<string, Variable> => {
    known ??= groupVariables(members, files)
    return known
  }
  return { groups: names.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)), groupVars }
}

function groupVariables(members: readonly GroupNode[], files: VarsFiles): ReadonlyMap<string, Variable> {
  const ranked = members.toSorted(byPrecedence)
  for (const { entry } of ranked) refuseUnknown(entry.vars)
  const groupVars = new Map(ranked.flatMap(({ entry }) => [...entry.vars]))
  groupVars.delete('ansible_group_priority')
  // Files win over sections, even those of `all` over those of a deeper group: Ansible's order, and people rely on it.
  const deeper = ranked.map(({ name }) => name).filter(name => name !== 'all')
  for (const layer of [['all'], deeper]) {
    for (const [key, variable] of said(files.groups, layer)) groupVars.set(key, variable)
  }
  return groupVars
}

const NOTHING: ReadonlyMap<string, Variable> = new Map()

/** What the folders say of the names, a later folder over an earlier one whatever the name, as in Ansible. */
function said(folders: readonly VarsFolder[], names: readonly string[]): ReadonlyMap<string, Variable> {
  const found = folders.flatMap(folder => names.map(folder)).filter(({ size }) => size > 0)
  return found.length <= 1 ? (found[0] ?? NOTHING) : new Map(found.flatMap(variables => [...variables]))
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
