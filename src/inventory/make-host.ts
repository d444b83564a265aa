/** Variables of one host → the Host the rest of ctfix works with. */
import { userInfo } from 'node:os'
import { ConfigError } from '../errors.ts'
import type { Become, Host, Secret } from './host.ts'
import type { Lookup } from './known-variable.ts'
import type { ResolvedHost } from './resolve.ts'
import { ANSIBLE, CTFIX, refuseUnknown } from './variables.ts'

/**
 * What the command line says for every host. Any variable of the inventory wins over it: in Ansible options such as `-u`
 * have the lowest precedence of all, and people rely on it (`-u root` with one host that names its own user).
 */
export interface HostDefaults {
  readonly user?: string | undefined
  readonly password?: Secret | null | undefined
  readonly privateKeyFile?: string | null | undefined
  /** Given = `-b`, unless `enabled` says that these are only settings for hosts that ask for it themselves. */
  readonly become?: (Partial<Become> & { readonly enabled?: boolean }) | null | undefined
  readonly connectTimeoutMs?: number | null | undefined
  /** `--transport`, for hosts that name no connection or only `ssh`. */
  readonly transport?: 'ssh2' | 'openssh' | 'local' | undefined
}

/** Makes hosts one at a time. Each throws ConfigError at the place of the first variable that is not what it must be. */
export function hostMaker(defaults: HostDefaults): (host: ResolvedHost) => Host {
  let localUser: string | undefined
  const userOf = (): string => {
    localUser ??= defaults.user ?? findLocalUser()
    return localUser
  }
  return host => makeHost(host, defaults, userOf)
}

function makeHost({ entry, groups, ...resolved }: ResolvedHost, defaults: HostDefaults, userOf: () => string): Host {
  refuseUnknown(entry.vars)
  const groupVars = resolved.groupVars()
  const files = resolved.files()
  const lookup: Lookup = name => files.get(name) ?? entry.vars.get(name) ?? groupVars.get(name)
  const args = ANSIBLE.sshArgs.map(read => read(lookup)).filter(value => value !== undefined)
  const first = <T>(pick: (from: (typeof args)[number]) => T | undefined): T | undefined =>
    args.map(pick).find(value => value !== undefined)
  const said = ANSIBLE.connection(lookup) ?? defaults.transport ?? 'ssh'
  const connection = said === 'local' ? 'local' : 'ssh'
  const byOpenssh = said === 'openssh' || (said === 'ssh' && defaults.transport === 'openssh')
  const port = ANSIBLE.port(lookup) ?? first(from => from.port)
  // Ansible puts ansible_ssh_args before what -u says, and the others behind it; ssh takes the first.
  const user = ANSIBLE.user(lookup) ?? ANSIBLE.sshArgs[0]?.(lookup)?.user ?? defaults.user ?? first(from => from.user)
  return {
    name: entry.name,
    groups,
    connection,
    transport: byOpenssh ? 'openssh' : 'ssh2',
    address: ANSIBLE.host(lookup) ?? entry.name,
    port: port ?? 22,
    user: user ?? userOf(),
    password: (connection === 'ssh' ? ANSIBLE.password(lookup) : null) ?? defaults.password ?? null,
    privateKeyFile: ANSIBLE.privateKeyFile(lookup) ?? defaults.privateKeyFile ?? null,
    become: becomeOf(lookup, defaults.become),
    connectTimeoutMs:
      ANSIBLE.timeout(lookup) ?? first(({ connectTimeoutMs }) => connectTimeoutMs) ?? defaults.connectTimeoutMs ?? null,
    hostKeyPolicy: first(({ hostKeyPolicy }) => hostKeyPolicy) ?? null,
    legacySsh: CTFIX.ctfix_legacy_ssh(lookup) ?? false,
    exclude: CTFIX.ctfix_exclude(lookup) || null,
    strategy: CTFIX.ctfix_strategy(lookup) ?? null,
    options: CTFIX.ctfix_options(lookup) ?? {},
    flows: CTFIX.ctfix_flows(lookup) ?? null,
    ssh: {
      said: [...(port === undefined ? [] : ['port' as const]), ...(user === undefined ? [] : ['user' as const])],
      options: args.flatMap(({ options }) => options),
      configFile: first(({ configFile }) => configFile) ?? null,
    },
    place: entry.place,
  }
}

function becomeOf(lookup: Lookup, defaults: HostDefaults['become']): Become | null {
  const sudo = ANSIBLE.sudo(lookup)
  const su = ANSIBLE.su(lookup)
  const older = sudo === undefined && su === undefined ? undefined : sudo === true || su === true
  const wanted = ANSIBLE.become(lookup) ?? older ?? (defaults ? (defaults.enabled ?? true) : false)
  if (!wanted) return null
  const olderMethod = su === true ? 'su' : sudo === true ? 'sudo' : undefined
  const method = ANSIBLE.becomeMethod(lookup) ?? olderMethod ?? defaults?.method ?? 'sudo'
  const { user, exe, password } = ANSIBLE.becomeWith[method]
  return {
    method,
    user: user(lookup) ?? defaults?.user ?? 'root',
    exe: exe(lookup) ?? defaults?.exe ?? null,
    password: password(lookup) ?? defaults?.password ?? null,
  }
}

/** As ssh: the name of whoever runs ctfix. */
function findLocalUser(): string {
  try {
    return userInfo().username
  } catch (error) {
    // A container may run under a number that has no name.
    throw new ConfigError('expected a user to log in as, got none: this machine has no name for the current user', {
      hint: 'name one with -u or ansible_user',
      cause: error,
    })
  }
}
