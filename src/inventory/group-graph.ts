/** How groups contain each other and hosts: Ansible's rules for `all`, `ungrouped`, depth and order. */
import { ConfigError } from '../errors.ts'
import type { GroupEntry, InventoryModel } from './model.ts'

/** Far beyond any fleet; each level costs stack. */
const MAX_NESTED = 500

export interface GroupNode {
  readonly name: string
  readonly entry: GroupEntry
  readonly children: readonly string[]
  readonly own: readonly string[]
  /** Its own hosts, then those of its children level by level: what `group[0]` counts in Ansible. */
  readonly hosts: readonly string[]
  /** Steps from `all` by the longest way: the deeper group's variables win. */
  readonly depth: number
  /** Every group it is in, and itself. */
  readonly lineage: readonly string[]
}

/** All groups by name, `all` and `ungrouped` first, then as the files name them. Throws ConfigError for a circle. */
export function buildGroupGraph(model: InventoryModel): ReadonlyMap<string, GroupNode> {
  const names = ['all', 'ungrouped', ...[...model.groups.keys()].filter(name => name !== 'all' && name !== 'ungrouped')]
  const entries = new Map(names.map(name => [name, model.groups.get(name) ?? emptyGroup(name)]))
  const children = childrenOf(entries)
  const order = topDown(entries, children)
  const parents = new Map<string, string[]>()
  for (const name of order) {
    for (const child of children.get(name) ?? []) parents.set(child, [...(parents.get(child) ?? []), name])
  }
  const members = membersOf(entries, model)
  const nodes = new Map<string, GroupNode>()
  for (const name of order) {
    const above = (parents.get(name) ?? []).map(parent => nodes.get(parent)).filter(node => node !== undefined)
    nodes.set(name, {
      name,
      entry: entries.get(name) ?? emptyGroup(name),
      children: children.get(name) ?? [],
      own: members.get(name) ?? [],
      hosts: hostsUnder(name, children, members),
      depth: Math.max(0, ...above.map(({ depth }) => depth + 1)),
      lineage: [...new Set([...above.flatMap(({ lineage }) => lineage), name])],
    })
  }
  const inOrder = new Map<string, GroupNode>()
  for (const name of names) {
    const node = nodes.get(name)
    if (node) inOrder.set(name, node)
  }
  return inOrder
}

function emptyGroup(name: string): GroupEntry {
  return { name, place: { file: 'inventory' }, hosts: new Set(), children: new Set(), vars: new Map() }
}

/** A group that nobody names as a child is a child of `all`. */
function childrenOf(entries: ReadonlyMap<string, GroupEntry>): ReadonlyMap<string, readonly string[]> {
  const named = new Set([...entries.values()].flatMap(({ children }) => [...children]))
  const orphans = [...entries.keys()].filter(name => name !== 'all' && !named.has(name))
  return new Map(
    [...entries].map(([name, { children }]) => [
      name,
      name === 'all' ? [...new Set(['ungrouped', ...children, ...orphans])] : [...children],
    ]),
  )
}

/** Parents before children. */
function topDown(entries: ReadonlyMap<string, GroupEntry>, children: ReadonlyMap<string, readonly string[]>): string[] {
  const done: string[] = []
  const finished = new Set<string>()
  const path: string[] = []
  function visit(name: string): void {
    if (finished.has(name)) return
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name].join(' > ')
      const place = entries.get(name)?.place
      throw new ConfigError(`expected groups without a circle, got ${circle}`, place ? { place } : {})
    }
    if (path.length >= MAX_NESTED)
      throw new ConfigError(`expected at most ${MAX_NESTED} groups inside each other, got more`)
    path.push(name)
    for (const child of children.get(name) ?? []) visit(child)
    path.pop()
    finished.add(name)
    done.push(name)
  }
  for (const name of entries.keys()) visit(name)
  return done.reverse()
}

/** Own hosts of each group; `ungrouped` has exactly those that are in no group but `all`. */
function membersOf(entries: ReadonlyMap<string, GroupEntry>, model: InventoryModel): Map<string, readonly string[]> {
  const grouped = new Set<string>()
  for (const { name, hosts } of entries.values()) {
    if (name !== 'all' && name !== 'ungrouped') for (const host of hosts) grouped.add(host)
  }
  const members = new Map([...entries].map(([name, { hosts }]): [string, readonly string[]] => [name, [...hosts]]))
  // In the order they were put there, then those that are only in `all`.
  const ungrouped = new Set([...(entries.get('ungrouped')?.hosts ?? []), ...model.hosts.keys()])
  members.set(
    'ungrouped',
    [...ungrouped].filter(host => !grouped.has(host)),
  )
  return members
}

function hostsUnder(
  name: string,
  children: ReadonlyMap<string, readonly string[]>,
  members: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const groups = new Set([name])
  // A Set hands out what is added while it is walked: this goes level by level.
  for (const group of groups) for (const child of children.get(group) ?? []) groups.add(child)
  return [...new Set([...groups].flatMap(group => members.get(group) ?? []))]
}
