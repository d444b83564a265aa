/** What every inventory reader fills in, whatever its format: groups, hosts, and variables that know where they stand. */
import type { Place } from '../errors.ts'
import { ConfigError } from '../errors.ts'
import { describe } from '../lang/decode.ts'

export interface Variable {
  readonly value: unknown
  /** Worked out on demand: only errors and `inventory host` need it. */
  readonly place: Place
  /** A number as the file writes it, where that is known: `1.0`, `007`. */
  readonly written?: string | undefined
}

/** What becomes of a variable before it is kept: in a vaulted file its value is a secret. */
export type Keep = (variable: Variable) => Variable

export interface HostEntry {
  readonly name: string
  readonly place: Place
  readonly vars: Map<string, Variable>
}

export interface GroupEntry {
  readonly name: string
  readonly place: Place
  /** Names of its own hosts and of its child groups, in the order of the files. */
  readonly hosts: Set<string>
  readonly children: Set<string>
  readonly vars: Map<string, Variable>
}

/**
 * Sources are read into one model, one after the other: groups and hosts of one name are one, a later variable replaces
 * an earlier one. A reader (INI, YAML, a program's JSON) is a function that
 * calls these methods.
 */
export class InventoryModel {
  readonly groups = new Map<string, GroupEntry>()
  readonly hosts = new Map<string, HostEntry>()

  /** `all` and `ungrouped` are always there. */
  hasGroup(name: string): boolean {
    return name === 'all' || name === 'ungrouped' || this.groups.has(name)
  }

  /** Names a group, made when new. */
  group(name: string, place: Place): GroupEntry {
    const known = this.groups.get(name)
    if (known) return known
    checkName(name, place, 'group')
    const group = { name, place, hosts: new Set<string>(), children: new Set<string>(), vars: new Map() }
    this.groups.set(name, group)
    return group
  }

  /** Names a host, made when new, as a member of the group. A port beside the name counts only for a new host, as in Ansible. */
  host(
    name: string,
    place: Place,
    { group, port }: { readonly group: GroupEntry; readonly port?: number | null },
  ): HostEntry {
    group.hosts.add(name)
    const known = this.hosts.get(name)
    if (known) return known
    checkName(name, place, 'host')
    const host: HostEntry = { name, place, vars: new Map() }
    if (typeof port === 'number') host.vars.set('ansible_port', { value: port, place })
    this.hosts.set(name, host)
    return host
  }
}

/** Names travel into paths, patterns and command lines: those that would mean something else there are refused. */
function checkName(name: string, place: Place, kind: 'group' | 'host'): void {
  if (name !== '' && !/[\s\p{Cc}\p{Cf}/\\,'"`$]|^[-!&~@.]|[[\]]/u.test(name)) return
  throw new ConfigError(`expected a name for a ${kind}, got ${describe(name)}`, { place })
}
