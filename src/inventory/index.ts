/** The way from `-i` to hosts. */
import { UsageError } from '../errors.ts'
import { readExtraVars } from './extra-vars.ts'
import type { GroupNode } from './group-graph.ts'
import type { Host } from './host.ts'
import { type HostDefaults, hostMaker } from './make-host.ts'
import { InventoryModel, type Variable } from './model.ts'
import { resolve, type VarsFiles, variablesOf } from './resolve.ts'
import { type Programs, readSource } from './sources.ts'
import { refuseUnknown } from './variables.ts'
import { type VarsFolder, varsFolder } from './vars-files.ts'
import { NO_VAULT, type Vault } from './vault.ts'

export { selectHosts, selectNames } from './pattern.ts'
export { hearPrograms } from './sources.ts'

export interface Inventory {
  /** In inventory order, each once. */
  readonly names: readonly string[]
  /** All of them; throws ConfigError for a mistake in any. */
  readonly hosts: readonly Host[]
  /** One of them: its variables are judged, and the files that hold them opened, only here. Throws ConfigError. */
  host(name: string): Host | undefined
  /** By name, `all` first. */
  readonly groups: ReadonlyMap<string, GroupNode>
  /** Every variable of a host, the winning value of each, with the place that sets it. */
  variables(host: string): ReadonlyMap<string, Variable>
  /** What `-e` says of every host. */
  readonly extra: ReadonlyMap<string, Variable>
  /** The same hosts under other defaults: a play's `become` is known only after the inventory. */
  withDefaults(defaults: HostDefaults): Inventory
}

interface Beside {
  /** What opens vaulted values and files. */
  readonly vault?: Vault
  /** Beside a playbook there may be group_vars and host_vars, too. */
  readonly playbookDirectory?: string | undefined
  /** `-e`, each as it was given. */
  readonly extraVars?: readonly string[]
  /** What `hearPrograms` heard of the sources that are programs. */
  readonly programs?: Programs
}

/** Reads every source, the later ones over the earlier; hosts are made when asked for. Throws ConfigError or UsageError; no host is touched. */
export function loadInventory(
  sources: readonly string[],
  defaults: HostDefaults = {},
  { vault = NO_VAULT, playbookDirectory, extraVars = [], programs = new Map() }: Beside = {},
): Inventory {
  if (sources.length === 0)
    throw new UsageError('no inventory given', { hint: 'name one with -i FILE or -i host1,host2,' })
  const extra = readExtraVars(extraVars, vault)
  const model = new InventoryModel()
  const sourced = sources.map(source => readSource(source, model, { vault, programs }))
  const directories = [...sourced, playbookDirectory].filter(found => typeof found === 'string')
  const { groups, hosts } = resolve(model, { ...varsFiles(lastOfEach(directories), vault), extra })
  const names = [...hosts.keys()]
  const withDefaults = (next: HostDefaults): Inventory => {
    const make = hostMaker(next)
    const made = new Map<string, Host>()
    const host = (name: string): Host | undefined => {
      const resolved = hosts.get(name)
      if (resolved && !made.has(name)) made.set(name, make(resolved))
      return made.get(name)
    }
    return {
      names,
      get hosts() {
        return names.map(host).filter(found => found !== undefined)
      },
      host,
      groups,
      variables: name => variablesOf(hosts.get(name)),
      extra,
      withDefaults,
    }
  }
  return withDefaults(defaults)
}

/** What is there twice counts where it is last. */
function lastOfEach<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items.toReversed())].toReversed()
}

function varsFiles(directories: readonly string[], vault: Vault): Omit<VarsFiles, 'extra'> {
  const folders = (kind: 'group_vars' | 'host_vars'): VarsFolder[] =>
    directories.map(directory => {
      const folder = varsFolder(directory, kind, vault)
      return name => {
        const found = folder(name)
        refuseUnknown(found)
        return found
      }
    })
  return { groups: folders('group_vars'), hosts: folders('host_vars') }
}
