/** The inventory as ctfix reads it, for people and for programs. Secrets are masked; other variables are only named. */
import { formatPlace, type Place } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Inventory } from '../inventory/index.ts'
import { ANSIBLE, isRead, isSecret } from '../inventory/variables.ts'
import { Vaulted } from '../inventory/vault.ts'
import { plain } from '../lang/text.ts'
import { SCHEMA_VERSION } from './document.ts'
import { table } from './table.ts'

interface Shown {
  readonly name: string
  /** `***` for what nobody may see. */
  readonly value: unknown
  readonly from: Place
}

/** Variables of a host that ctfix reads, by name, and those it does not: without values, for nobody knows what is secret. */
function variablesOf(
  inventory: Inventory,
  host: Host,
): { readonly read: readonly Shown[]; readonly unread: readonly Omit<Shown, 'value'>[] } {
  const all = [...inventory.variables(host.name)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    read: all
      .filter(([name]) => isRead(name))
      .map(([name, { value, place }]) => ({ name, value: shownValue(name, value), from: place })),
    unread: all.filter(([name]) => !isRead(name)).map(([name, { place }]) => ({ name, from: place })),
  }
}

const SSH_ARGS = ANSIBLE.sshArgs.flatMap(({ names }) => names)

function shownValue(name: string, value: unknown): unknown {
  if (isSecret(name)) return '***'
  return harmless(SSH_ARGS.includes(name) && typeof value === 'string' ? withoutCommands(value) : value)
}

/** A ProxyCommand may hand over a password, in more ways than can be known: none is shown. */
function withoutCommands(args: string): string {
  return args.replaceAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs, word => {
    const bare = word.replaceAll(/["'\\]/g, '')
    if (!/proxycommand/i.test(bare)) return word
    return `${/^-o./.test(bare) ? '-o' : ''}ProxyCommand=***`
  })
}

/** Strings made harmless and vaults masked, all the way down. */
function harmless(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (value instanceof Vaulted) return '***'
  if (Array.isArray(value)) return value.map(harmless)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [plain(key), harmless(inner)]))
}

/** Where a host is and who logs in there; null for what comes out of a vault. */
function wayTo(inventory: Inventory, { name, address, port, user }: Host) {
  const variables = inventory.variables(name)
  const isHidden = (names: readonly string[]): boolean =>
    names.some(variable => variables.get(variable)?.value instanceof Vaulted)
  return {
    address: isHidden(ANSIBLE.host.names) ? null : plain(address),
    port: isHidden([...ANSIBLE.port.names, ...SSH_ARGS]) ? null : port,
    user: isHidden([...ANSIBLE.user.names, ...SSH_ARGS]) ? null : plain(user),
  }
}

/** A line each: a value of several lines stays on its own. */
const lines = (rows: readonly string[]): string =>
  rows.map(row => `${plain(row).replaceAll('\n', '\\n').replaceAll('\t', '\\t')}\n`).join('')

/** One row a host. */
export function inventoryText(inventory: Inventory, hosts: readonly Host[]): string {
  const rows = hosts.map(host => {
    const { address, port, user } = wayTo(inventory, host)
    const way = host.connection === 'local' ? ['local', ''] : [address ?? '***', String(port ?? '***')]
    const groups = host.groups.filter(group => group !== 'all').join(',')
    return [host.name, ...way, user ?? '***', groups, host.exclude === null ? '' : `excluded: ${host.exclude}`]
  })
  return lines(table([['HOST', 'ADDRESS', 'PORT', 'USER', 'GROUPS', ''], ...rows]))
}

/** The tree of groups, as `ansible-inventory --graph` draws it. */
export function graphText({ groups }: Inventory, shown: ReadonlySet<string>): string {
  const draw = (name: string, depth: number): string[] => {
    const group = groups.get(name)
    const branch = (text: string, level: number): string => `${'  |'.repeat(level)}${level > 0 ? '--' : ''}${text}`
    return [
      branch(`@${name}:`, depth),
      ...(group?.children ?? []).flatMap(child => draw(child, depth + 1)),
      ...(name === 'all'
        ? []
        : (group?.own ?? []).filter(host => shown.has(host)).map(host => branch(host, depth + 1))),
    ]
  }
  return lines(draw('all', 0))
}

/** One host: what it comes to, each variable with the place it comes from. */
export function inventoryHostText(inventory: Inventory, host: Host): string {
  const { read, unread } = variablesOf(inventory, host)
  const rows = read.map(({ name, value, from }) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
    formatPlace(from),
  ])
  const others = unread.map(({ name, from }) => [name, formatPlace(from)])
  return lines([
    `host    ${host.name}  (${formatPlace(host.place)})`,
    `groups  ${host.groups.join(', ')}`,
    ...(rows.length === 0 ? [] : ['', ...table([['VARIABLE', 'VALUE', 'FROM'], ...rows])]),
    ...(others.length === 0 ? [] : ['', ...table([['NOT READ BY CTFIX', 'FROM'], ...others])]),
  ])
}

/** The document of `inventory list` and `inventory graph`. */
export function inventoryDocument(inventory: Inventory, hosts: readonly Host[]): unknown {
  const shown = new Set(hosts.map(({ name }) => name))
  return {
    schema: SCHEMA_VERSION,
    hosts: hosts.map(host => hostDocument(inventory, host)),
    groups: [...inventory.groups.values()].map(({ name, own, children }) => ({
      name: plain(name),
      hosts: name === 'all' ? [] : own.filter(host => shown.has(host)).map(plain),
      children: children.map(plain),
    })),
  }
}

/** The document of `inventory host`. */
export function inventoryHostDocument(inventory: Inventory, host: Host): unknown {
  return { schema: SCHEMA_VERSION, ...hostDocument(inventory, host) }
}

function hostDocument(inventory: Inventory, host: Host): object {
  const { read, unread } = variablesOf(inventory, host)
  return {
    name: plain(host.name),
    ...wayTo(inventory, host),
    connection: host.connection,
    groups: host.groups.map(plain),
    exclude: host.exclude === null ? null : plain(host.exclude),
    from: plain(formatPlace(host.place)),
    variables: read.map(({ name, value, from }) => ({ name, value, from: plain(formatPlace(from)) })),
    unread: unread.map(({ name, from }) => ({ name: plain(name), from: plain(formatPlace(from)) })),
  }
}
