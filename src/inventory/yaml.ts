/** Ansible's YAML inventory: groups with `hosts`, `children` and `vars`. */
import { ConfigError } from '../errors.ts'
import { describe, kindOf, type Yaml } from '../lang/decode.ts'
import { nearest } from '../lang/text.ts'
import { parseAnsibleYaml } from './ansible-yaml.ts'
import { expandHosts } from './host-range.ts'
import type { GroupEntry, InventoryModel, Keep, Variable } from './model.ts'
import type { Vault } from './vault.ts'

const SECTIONS = ['hosts', 'children', 'vars']

interface Reading {
  readonly vault: Vault
  readonly keep: Keep
}

type Named = ReturnType<Yaml['entries']>[number]

/** Reads one file into the model. What Ansible only warns of and skips (a misspelt `hosts:`) is an error: it loses hosts. */
export function readYamlInventory(text: string, file: string, model: InventoryModel, { vault, keep }: Reading): void {
  const root = parseAnsibleYaml(text, file, vault)
  if (!root.isMapping) fail(`expected a mapping of groups, got ${kindOf(root.value)}`, root)
  for (const entry of root.entries()) {
    if (SECTIONS.includes(entry.name))
      fail(`expected a group, got "${entry.name}"; indent it under "all:"`, entry.node, 'key')
    if (entry.name === 'plugin')
      fail('expected groups, got the configuration of an inventory plugin', entry.node, 'key')
    readGroup(entry, model, keep)
  }
}

function readGroup(entry: Named, model: InventoryModel, keep: Keep): GroupEntry {
  const group = model.group(nameOf(entry), entry.node.keyPlace)
  for (const { name, node } of membersOf(entry.node, 'hosts, children and vars')) {
    if (name === 'hosts') readHosts(node, group, model, keep)
    else if (name === 'vars') readVariables(node, group.vars, keep)
    else if (name === 'children') {
      for (const child of membersOf(node, 'child groups')) group.children.add(readGroup(child, model, keep).name)
    } else {
      const near = nearest(name, SECTIONS)
      const question = near === undefined ? '' : `; did you mean "${near}"?`
      fail(`expected hosts, children or vars in ${group.name}, got ${describe(name)}${question}`, node, 'key')
    }
  }
  return group
}

function readHosts(hosts: Yaml, group: GroupEntry, model: InventoryModel, keep: Keep): void {
  for (const entry of membersOf(hosts, 'hosts')) {
    const place = entry.node.keyPlace
    const { names, port } = expandHosts(nameOf(entry), place)
    const vars = new Map<string, Variable>()
    readVariables(entry.node, vars, keep)
    for (const name of names) {
      const host = model.host(name, place, { group, port })
      for (const [key, variable] of vars) host.vars.set(key, variable)
    }
  }
}

function readVariables(node: Yaml, into: Map<string, Variable>, keep: Keep): void {
  for (const entry of membersOf(node, 'variables')) into.set(entry.name, keep(entry.node))
}

/** A mapping's entries; none for nothing. Ansible also takes a single name for a mapping to nothing. */
function membersOf(node: Yaml, what: string): readonly Named[] {
  if (node.isMapping) return node.entries()
  const { value } = node
  if (value === null) return []
  if (typeof value === 'string' && (what === 'hosts' || what === 'child groups')) {
    return [{ name: value, isText: true, node: node.empty() }]
  }
  return fail(`expected a mapping of ${what}, got ${kindOf(value)}`, node)
}

function nameOf({ name, isText, node }: Named): string {
  return isText ? name : fail(`expected a name, got ${name}; put it in quotes`, node, 'key')
}

function fail(message: string, node: Yaml, at: 'key' | 'value' = 'value'): never {
  throw new ConfigError(message, { place: at === 'key' ? node.keyPlace : node.place })
}
