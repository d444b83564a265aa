/** The table of inventory readers, and the way from `-i` to hosts. */
import { existsSync } from 'node:fs'
import { ConfigError, type Place, UsageError } from '../errors.ts'
import type { GroupNode } from './group-graph.ts'
import type { Host } from './host.ts'
import { expandHosts } from './host-range.ts'
import { type HostDefaults, makeHosts } from './make-host.ts'
import { InventoryModel, type Variable } from './model.ts'
import { resolve } from './resolve.ts'
import { refuseUnknown } from './variables.ts'
import { readYamlInventory } from './yaml.ts'
import { readText } from './yaml-text.ts'

export { selectHosts } from './pattern.ts'

export interface Inventory {
  /** In inventory order, each once. */
  readonly hosts: readonly Host[]
  /** By name, `all` first. */
  readonly groups: ReadonlyMap<string, GroupNode>
  /** Every variable of a host, the winning value of each, with the place that sets it. */
  variables(host: string): ReadonlyMap<string, Variable>
  /** The same hosts under other defaults: a play's `become` is known only after the inventory. */
  withDefaults(defaults: HostDefaults): Inventory
}

interface Reader {
  /** Judged by the name first, then by the text; the first reader that accepts a file gets it. */
  accepts(file: string, text: string): boolean
  read(text: string, file: string, model: InventoryModel): void
}

const INI_SECTION = /^\s*\[[\w.:-]+\]\s*(?:[#;].*)?$/m

const READERS: readonly Reader[] = [
  { accepts: file => /\.(?:ya?ml|json)$/i.test(file), read: readYamlInventory },
  {
    accepts: (file, text) => /\.(?:ini|cfg)$/i.test(file) || INI_SECTION.test(text),
    read: (_, file) => {
      const message = 'expected a YAML inventory, got what looks like INI, which ctfix cannot read yet'
      throw new ConfigError(message, { place: { file }, hint: `ansible-inventory -i ${file} --list --yaml` })
    },
  },
  {
    accepts: (_, text) => text.startsWith('#!'),
    read: (_, file) => {
      throw new ConfigError('expected a YAML inventory, got a program, which ctfix cannot run yet', { place: { file } })
    },
  },
  { accepts: () => true, read: readYamlInventory },
]

/** Reads every source, the later ones over the earlier. Throws ConfigError or UsageError; no host is touched. */
export function loadInventory(sources: readonly string[], defaults: HostDefaults = {}): Inventory {
  if (sources.length === 0)
    throw new UsageError('no inventory given', { hint: 'name one with -i FILE or -i host1,host2,' })
  const model = new InventoryModel()
  for (const source of sources) readSource(source, model)
  for (const { vars } of model.groups.values()) refuseUnknown(vars)
  for (const { vars } of model.hosts.values()) refuseUnknown(vars)
  const { groups, hosts } = resolve(model)
  const withDefaults = (next: HostDefaults): Inventory => ({
    hosts: makeHosts(hosts.values(), next),
    groups,
    variables: name => {
      const host = hosts.get(name)
      return new Map([...(host?.groupVars ?? []), ...(host?.entry.vars ?? [])])
    },
    withDefaults,
  })
  return withDefaults(defaults)
}

function readSource(source: string, model: InventoryModel): void {
  if (source.trim() === '') throw new UsageError('expected a file or a list of hosts after -i, got nothing')
  if (source.includes(',') && !existsSync(source)) {
    readList(source, model)
    return
  }
  const hint = existsSync(source) ? undefined : `for a host of that name: -i '${source},'`
  const text = readText(source, { hint })
  READERS.find(reader => reader.accepts(source, text))?.read(text, source, model)
}

/** `host1,host2,`: Ansible puts these into `ungrouped`. */
function readList(list: string, model: InventoryModel): void {
  const place: Place = { file: 'host list' }
  const names = list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  if (names.length === 0) throw new UsageError(`expected hosts in the list after -i, got "${list}"`)
  const group = model.group('ungrouped', place)
  for (const written of names) {
    const { names: expanded, port } = expandHosts(written, place)
    for (const name of expanded) model.host(name, place, { group, port })
  }
}
