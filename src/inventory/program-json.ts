/** Groups as inventory programs print them, and as `ansible-inventory --list --export` writes them. */
import { ConfigError } from '../errors.ts'
import { kindOf, type Yaml } from '../lang/decode.ts'
import type { InventoryModel, Keep, Variable } from './model.ts'

type Path = readonly string[]

/** The entries of a mapping by name. */
type Members = ReadonlyMap<string, Yaml>
const NONE: Members = new Map()

/** True where `--host` need not be asked: `_meta.hostvars` says all there is. */
export function hasEverything(document: Yaml): boolean {
  return membersIn(membersIn(document).get('_meta')).has('hostvars')
}

/** Reads the groups and `_meta` into the model; the hosts, in their order. */
export function readGroups(document: Yaml, model: InventoryModel, keep: Keep): readonly string[] {
  const groups = membersOf(document, 'a mapping of groups', [])
  const hosts = new Set<string>()
  for (const [name, said] of groups) {
    if (name !== '_meta') readGroup(name, said, { model, keep, hosts })
  }
  const meta = optional(groups.get('_meta'), 'a mapping', ['_meta'])
  const hostvars = optional(meta.get('hostvars'), 'a mapping of hosts', ['_meta', 'hostvars'])
  for (const name of hosts) {
    const said = hostvars.get(name)
    if (said) readHostVariables(name, said, model, keep)
  }
  return [...hosts]
}

/** Reads what is said of one host. */
export function readHostVariables(name: string, said: Yaml, model: InventoryModel, keep: Keep): void {
  const host = model.hosts.get(name)
  if (host) readVariables(membersOf(said, 'a mapping of variables', [name]), host.vars, keep)
}

interface Reading {
  readonly model: InventoryModel
  readonly keep: Keep
  readonly hosts: Set<string>
}

function readGroup(name: string, said: Yaml, { model, keep, hosts }: Reading): void {
  const group = model.group(name, said.keyPlace)
  const members = membersIn(said)
  // A list is the hosts; a mapping without any of the three keys is one host of the group's name, with these variables.
  const isOneHost = said.isMapping && !['hosts', 'vars', 'children'].some(key => members.has(key))
  const listed = said.isMapping ? members.get('hosts') : said
  const named = isOneHost ? [{ name, place: said.keyPlace }] : namesIn(listed, [name, 'hosts'])
  for (const { name: host, place } of named) {
    hosts.add(host)
    model.host(host, place, { group })
  }
  const vars = isOneHost ? members : optional(members.get('vars'), 'a mapping of variables', [name, 'vars'])
  readVariables(vars, group.vars, keep)
  for (const { name: child, place } of namesIn(members.get('children'), [name, 'children'])) {
    group.children.add(model.group(child, place).name)
  }
}

function readVariables(said: Members, into: Map<string, Variable>, keep: Keep): void {
  for (const [key, variable] of said) into.set(key, keep(variable))
}

function namesIn(list: Yaml | undefined, path: Path) {
  if (!list) return []
  const items = list.items()
  if (items.length === 0 && !Array.isArray(list.value)) return unexpected('a list of names', list, path)
  return items.map((item, i) => {
    const name = item.value
    return typeof name === 'string' ? { name, place: item.place } : unexpected('a name', item, [...path, String(i)])
  })
}

function membersIn(node: Yaml | undefined): Members {
  return node ? new Map(node.entries().map(({ name, node: member }) => [name, member])) : NONE
}

function membersOf(node: Yaml, wanted: string, path: Path): Members {
  return node.isMapping ? membersIn(node) : unexpected(wanted, node, path)
}

/** The same of what may be missing, or null. */
function optional(node: Yaml | undefined, wanted: string, path: Path): Members {
  return !node || (!node.isMapping && node.value === null) ? NONE : membersOf(node, wanted, path)
}

function unexpected(wanted: string, { value, place }: Yaml, path: Path): never {
  const where = path.length === 0 ? '' : ` for ${path.map(part => JSON.stringify(part)).join('.')}`
  const expected = `expected ${wanted}${where}`
  throw new ConfigError(`${expected}, got ${kindOf(value)}`, { place, expected })
}
