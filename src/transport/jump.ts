/** ProxyJump: `[user@]host[:port]`, or an ssh:// URI, several with commas; the last is the one next to the host. */
import { userInfo } from 'node:os'
import { ConfigError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'

export interface Jump {
  readonly user: string | null
  readonly address: string
  readonly port: number | null
  /** The hops before this one. They stand instead of the hop's own ProxyJump. */
  readonly before: string | null
}

/** Throws ConfigError for what is no jump. */
export function parseJump(text: string, { name, place }: Pick<Host, 'name'> & Partial<Pick<Host, 'place'>>): Jump {
  const hops = text.split(',').map(hop => hop.trim())
  const last = hops.pop() ?? ''
  const spec = last.replace(/^ssh:\/\//, '').replace(/\/$/, '')
  const [, user, bracketed, bare, port] =
    /^(?:(.+)@)?(?:\[([^\]]+)\]|([^:@[\]]+|[^@[\]]*:[^@[\]]*:[^@[\]]*))(?::(\d{1,5}))?$/.exec(spec) ?? []
  const address = bracketed ?? bare
  const number = port === undefined ? null : Number(port)
  if (!address || /^-|[\s'"`$;|&<>]/.test(spec) || (number !== null && (number < 1 || number > 65_535))) {
    throw new ConfigError(
      `${name}: expected a jump host such as user@host:22, got ${last || 'nothing'}`,
      place && { place },
    )
  }
  return { user: user ?? null, address, port: number, before: hops.length > 0 ? hops.join(',') : null }
}

/** More hops than anybody has: a chain that is longer makes its own next hop. */
const MOST_HOPS = 16

/**
 * Throws ConfigError where the hops, each reached through the next, come back to one of them or do not end. ssh would start
 * one process after the other.
 */
export function checkChain(hops: readonly string[], { place }: Pick<Host, 'place'>): void {
  const chain = hops.slice(0, 4).join(' > ')
  if (hops.length > MOST_HOPS) throw new ConfigError(`the jumps of ssh_config do not end: ${chain} …`, { place })
  const last = hops.at(-1)
  if (last === undefined || hops.indexOf(last) === hops.length - 1) return
  const hint = 'a jump host that is reached straight: Host NAME with ProxyJump none, before the others'
  const circle = hops.slice(hops.indexOf(last)).join(' > ')
  throw new ConfigError(`the jumps of ssh_config go in a circle: ${circle}`, { place, hint })
}

/** A hop is reached as ssh reaches it: by its own part of ssh_config, not by what is said of the host behind it. */
export function hopHost({ user, address, port, before }: Jump, behind: Host): Host {
  const said = [...(user === null ? [] : ['user' as const]), ...(port === null ? [] : ['port' as const])]
  return {
    name: address,
    groups: [],
    connection: 'ssh',
    address,
    port: port ?? 22,
    user: user ?? localUser(behind),
    password: null,
    privateKeyFile: null,
    become: null,
    connectTimeoutMs: null,
    // Set for a host behind an old jump host, too: there is no other place to say it.
    legacySsh: behind.legacySsh,
    hostKeyPolicy: behind.hostKeyPolicy,
    exclude: null,
    strategy: null,
    options: {},
    ssh: {
      said,
      options: before === null ? [] : [['proxyjump', before]],
      configFile: behind.ssh?.configFile ?? null,
    },
    place: behind.place,
  }
}

/** As ssh: the name of whoever runs this. */
function localUser({ name, place }: Host): string {
  try {
    return userInfo().username
  } catch (error) {
    // A container may run under a number that has no name.
    const hint = 'name one: user@jump-host, or User in ssh_config'
    throw new ConfigError(`${name}: expected a user for its jump host, got none`, { place, hint, cause: error })
  }
}
