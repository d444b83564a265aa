/** The way to a host as ssh would go it: what variables and flags say, then ssh_config, then ssh's defaults; hop by hop. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'
import type { Host, HostKeyPolicy } from '../inventory/host.ts'
import { type Wanted, wantedOf } from './algorithms.ts'
import { policyOf, refuseUnread, stricter } from './host-key-policy.ts'
import { checkChain, hopHost, parseJump } from './jump.ts'
import { ANY_KEY, type KeyRules, keyRules } from './key-rules.ts'
import { KnownHosts } from './known-hosts.ts'
import { ANYWHERE, type LocalEnd, localEnd } from './local-end.ts'
import { askSsh } from './ssh-asked.ts'
import { configFiles, firstOf, isYes, NeedsSsh, positive, type Settings, SshConfig } from './ssh-config.ts'
import { expandPath, expandTokens, type Tokens } from './ssh-tokens.ts'
import { anyWayIn, type WaysIn, waysIn } from './ways-in.ts'

export interface Route extends WaysIn {
  /** Address, port, user and time limit are those to use. */
  readonly host: Host
  /** Looked up in known_hosts instead of address and port. */
  readonly hostKeyAlias: string | null
  readonly knownHosts: KnownHosts
  /** New lines do not show the name of the host. */
  readonly hashNames: boolean
  readonly policy: HostKeyPolicy
  readonly from: LocalEnd
  readonly algorithms: Wanted
  readonly keyRules: KeyRules
  readonly keepaliveMs: number | null
  readonly keepaliveMost: number | null
  /** null = straight there. */
  readonly via: { readonly jump: Route } | { readonly command: string; readonly template: string } | null
}

export interface RouteOptions {
  /** Instead of what ssh_config names; a new key is written to the first. */
  readonly knownHostsFiles?: readonly string[] | undefined
  /** Undefined: ssh_config says, and `strict` where it does not. */
  readonly policy?: HostKeyPolicy | undefined
  readonly agentSocket?: string | undefined
  /** `-J` and `-F`, for hosts that name none. */
  readonly jump?: string | undefined
  readonly configFile?: string | undefined
}

export type Resolve = (host: Host) => Promise<Route>

/** Every host is worked out once, config and known_hosts files are read once. Rejects with ConfigError. */
export function createRoutes(options: RouteOptions): Resolve {
  const config = new SshConfig()
  const knownHosts = new Map<string, Promise<KnownHosts>>()
  const routes = new WeakMap<Host, Promise<Route>>()
  const hops = new Map<string, Promise<Route>>()

  const known = (files: readonly string[]): Promise<KnownHosts> => {
    const loaded = knownHosts.get(files.join('\0')) ?? KnownHosts.load(files)
    knownHosts.set(files.join('\0'), loaded)
    return loaded
  }
  const needs = new Map<string, string>()
  /** `path`: keys of the hops that led here, the host's own jump first. */
  const hopTo = (jump: string, host: Host, path: readonly string[]): Promise<Route> => {
    const key = JSON.stringify([jump, host.ssh?.configFile ?? null, host.hostKeyPolicy, host.legacySsh])
    const from = path.at(-1)
    if (from !== undefined) {
      // Two hops that wait for each other would wait for ever, whoever asked for them first.
      const ahead = [from, key]
      for (let at = needs.get(key); at !== undefined && ahead.indexOf(key) === ahead.length - 1; at = needs.get(at)) {
        ahead.push(at)
        if (at === from) break
      }
      for (const chain of [[...path, key], ahead]) checkChain(chain.map(nameOf), host)
      needs.set(from, key)
    }
    const hop = hops.get(key) ?? build(hopHost(parseJump(jump, host), host), [...path, key])
    hops.set(key, hop)
    return hop
  }
  const build = async (host: Host, path: readonly string[]): Promise<Route> => {
    const asked = withFlags(host, path.length === 0 ? options : { configFile: options.configFile })
    const settings = await settingsFor(asked, config)
    refuseUnread(host, settings, config)
    const settled = settle(asked, settings)
    const tokens = tokensOf(asked, settled)
    const jump = jumpOf(settings, asked, settled)
    const command = firstOf(settings, 'proxycommand')
    if (command !== null && settings.get('proxyusefdpass')?.[0] === 'yes') {
      const hint = '--transport openssh'
      throw new ConfigError(`${host.name}: ProxyUseFdpass needs the system’s ssh`, { place: host.place, hint })
    }
    const files = options.knownHostsFiles ?? knownHostsFiles(settings, tokens)
    return {
      ...waysIn(settings, tokens, options.agentSocket),
      from: localEnd(settings),
      algorithms: wantedOf(host, settings, config),
      keyRules: keyRules(host, settings),
      host: settled,
      hostKeyAlias: firstOf(settings, 'hostkeyalias')?.toLowerCase() ?? null,
      knownHosts: await known(files),
      hashNames: isYes(settings, 'hashknownhosts'),
      policy: stricter(host, options.policy) ?? policyOf(settings),
      keepaliveMs: positive(settings, 'serveraliveinterval', 1000),
      keepaliveMost: positive(settings, 'serveralivecountmax', 1),
      via:
        jump !== null
          ? { jump: await hopTo(jump, asked, path) }
          : command !== null
            ? { command: commandFor(settled, command, tokens), template: command }
            : null,
    }
  }
  return host => {
    const route = routes.get(host) ?? build(host, [])
    routes.set(host, route)
    return route
  }
}

/** Every host at its address, with one set of known hosts, whatever ssh_config says. */
export function straight(knownHosts: KnownHosts, policy: HostKeyPolicy, agentSocket?: string): Resolve {
  return host =>
    Promise.resolve({
      host,
      hostKeyAlias: null,
      knownHosts,
      hashNames: false,
      policy: host.hostKeyPolicy ?? policy,
      ...anyWayIn(agentSocket),
      from: ANYWHERE,
      algorithms: {},
      keyRules: ANY_KEY,
      keepaliveMs: null,
      keepaliveMost: null,
      via: null,
    })
}

/** Flags stand behind what the inventory says of the host. */
export function withFlags(host: Host, { jump, configFile }: Pick<RouteOptions, 'jump' | 'configFile'>): Host {
  if (jump === undefined && configFile === undefined) return host
  const own = host.ssh ?? { said: [], options: [], configFile: null }
  const options = jump === undefined ? own.options : [...own.options, ['proxyjump', jump] as const]
  return { ...host, ssh: { ...own, options, configFile: own.configFile ?? configFile ?? null } }
}

/** What ssh_config makes of it, by ssh itself where we cannot say. Rejects with ConfigError. */
export async function settingsFor(host: Host, config: SshConfig): Promise<Settings> {
  const { said = [], options = [], configFile = null } = host.ssh ?? {}
  try {
    return config.settingsFor(host.address, options, configFiles(configFile))
  } catch (error) {
    if (!(error instanceof NeedsSsh)) throw error
    const port = said.includes('port') ? host.port : null
    const user = said.includes('user') ? host.user : null
    return askSsh({ name: host.address, port, user, options, configFile }, error.place)
  }
}

/** Address, port, user and time limit as ssh would take them. */
export function settle(host: Host, settings: Settings): Host {
  const said = host.ssh?.said ?? []
  const port = said.includes('port') ? host.port : Number(firstOf(settings, 'port') ?? host.port)
  const user = said.includes('user') ? host.user : (firstOf(settings, 'user') ?? host.user)
  const name = firstOf(settings, 'hostname') ?? host.address
  const address = name.replaceAll(/%([%h])/g, (_, letter) => (letter === 'h' ? host.address : '%'))
  const connectTimeoutMs = host.connectTimeoutMs ?? positive(settings, 'connecttimeout', 1000)
  return { ...host, address, port, user, connectTimeoutMs }
}

/**
 * The jump hosts before it, words filled in. A jump that somebody named for all hosts, by a flag or a variable, may be one
 * of them: it is reached straight, as ssh would through itself. `settled`: what `settle` made of it.
 */
export function jumpOf(settings: Settings, asked: Host, settled: Host): string | null {
  const said = firstOf(settings, 'proxyjump')
  if (said === null) return null
  const jump = expandTokens(said, tokensOf(asked, settled))
  const isNamed = asked.ssh?.options.some(([keyword]) => keyword === 'proxyjump') === true
  const { address, port, user } = parseJump(jump, asked)
  const isItself =
    address.toLowerCase() === asked.address.toLowerCase() &&
    (port ?? settled.port) === settled.port &&
    (user ?? settled.user) === settled.user
  return isNamed && isItself ? null : jump
}

/** Of the key of a hop. */
function nameOf(key: string): string {
  return JSON.parse(key)[0]
}

/** What stands in a command line of a shell must not be one itself; ssh refuses such names, too. */
function commandFor(host: Host, command: string, tokens: Tokens): string {
  const odd = Object.values(tokens).find(value => /[^\w.:%@+[\]-]/.test(value) || value.startsWith('-'))
  if (odd === undefined) return expandTokens(command.replace(/^exec\s+/, ''), tokens)
  throw new ConfigError(`${host.name}: a ProxyCommand is not run with ${odd} in it`, { place: host.place })
}

function tokensOf(asked: Host, { address, port, user }: Host): Tokens {
  return { n: asked.address, h: address, p: String(port), r: user, k: asked.address }
}

function knownHostsFiles(settings: Settings, tokens: Tokens): string[] {
  const own = (name: string): string => join(homedir(), '.ssh', name)
  const user = settings.get('userknownhostsfile') ?? [own('known_hosts'), own('known_hosts2')]
  const system = settings.get('globalknownhostsfile') ?? ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']
  return [...user, ...system].filter(file => file.toLowerCase() !== 'none').map(file => expandPath(file, tokens))
}
