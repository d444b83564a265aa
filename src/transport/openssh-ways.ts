/** What has to be known of ssh_config before ssh is called: the hops, so that ours hold at each, and where keys are kept. */
import { ConfigError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { DoorKey } from './doors.ts'
import { checkChain, hopHost, parseJump } from './jump.ts'
import { type OpensshSettings, policyFor } from './openssh-args.ts'
import { jumpOf, settingsFor, settle, withFlags } from './route.ts'
import { firstOf, type Settings, SshConfig } from './ssh-config.ts'

export interface OpensshWay {
  /** With every hop named in its own options. */
  readonly host: Host
  readonly door: DoorKey
  /** What the inventory says of the time that getting in may take, or ssh_config. */
  readonly budgetMs: number | null
}

/** Rejects with ConfigError. */
export type OpensshWays = (host: Host) => Promise<OpensshWay>

/** Every host is worked out once. */
export function createOpensshWays(options: OpensshSettings): OpensshWays {
  const config = new SshConfig()
  const ways = new WeakMap<Host, Promise<OpensshWay>>()
  const hops = new Map<string, Promise<Settings>>()

  const settingsOf = async (host: Host): Promise<Settings> => {
    const settings = await settingsFor(host, config)
    checkKept(host, settings, options)
    return settings
  }
  const settingsOfHop = (hop: Host): Promise<Settings> => {
    const key = JSON.stringify([hop.address, hop.port, hop.user, hop.ssh, hop.hostKeyPolicy])
    const settings = hops.get(key) ?? settingsOf(hop)
    hops.set(key, settings)
    return settings
  }
  /** The first hop first; `path`: those that led here. */
  const chainOf = async (jump: string, behind: Host, path: readonly string[] = []): Promise<string[]> => {
    checkChain([...path, jump], behind)
    const hop = withFlags(hopHost(parseJump(jump, behind), behind), { configFile: options.configFile })
    const settings = await settingsOfHop(hop)
    const before = jumpOf(settings, hop, settle(hop, settings))
    const last = jump.split(',').at(-1)?.trim() ?? ''
    return [...(before === null ? [] : await chainOf(before, behind, [...path, jump])), last]
  }
  const build = async (host: Host): Promise<OpensshWay> => {
    const asked = withFlags(host, options)
    const settings = await settingsOf(asked)
    const settled = settle(asked, settings)
    const { connectTimeoutMs: budgetMs } = settled
    const jump = jumpOf(settings, asked, settled)
    if (jump === null) {
      const template = firstOf(settings, 'proxycommand')
      const via = template === null ? null : { command: template, template }
      return { host, budgetMs, door: { via, host: settled } }
    }
    const chain = await chainOf(jump, asked)
    const own = host.ssh ?? { said: [], options: [], configFile: null }
    const others = own.options.filter(([keyword]) => keyword !== 'proxyjump')
    const ssh = { ...own, options: [['proxyjump', chain.join(',')] as const, ...others] }
    // Each login has one of its own at the jump host, where they are counted.
    const template = `ssh -J ${chain[0]}`
    return { host: { ...host, ssh }, budgetMs, door: { via: { command: template, template }, host } }
  }
  return host => {
    const way = ways.get(host) ?? build(host)
    ways.set(host, way)
    return way
  }
}

/** A new key that is written nowhere is new each time: whoever answers would be believed. */
function checkKept(host: Host, settings: Settings, options: OpensshSettings): void {
  if (policyFor(host, options) !== 'accept-new') return
  const [file] = options.knownHostsFiles ?? settings.get('userknownhostsfile') ?? []
  if (file !== '/dev/null' && file?.toLowerCase() !== 'none') return
  const hint = '--host-key strict, or another UserKnownHostsFile'
  throw new ConfigError(`${host.name}: accept-new needs a file for the keys of new hosts, got ${file}`, {
    place: host.place,
    hint,
  })
}
