/** Where this machine finds a host with nobody in between: for who measures from outside. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { messageOf } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type LocalEnd, localEnd } from './local-end.ts'
import type { RouteOptions } from './route.ts'
import { jumpOf, settingsFor, settle, withFlags } from './route.ts'
import { firstOf, SshConfig } from './ssh-config.ts'

/** The address, of which family it may be, and the SSH port as ssh would take them; or why nothing goes straight there. */
export type Reach =
  | { readonly address: string; readonly port: number; readonly family: LocalEnd['family'] }
  | { readonly why: string }

/** By what the inventory, flags and ssh_config say. It never rejects. */
export function createReach(flags: Pick<RouteOptions, 'jump' | 'configFile'>): (host: Host) => Promise<Reach> {
  const config = new SshConfig()
  return async host => {
    if (host.connection === 'local') return { why: 'it is this machine itself' }
    try {
      const asked = withFlags(host, flags)
      const settings = await settingsFor(asked, config)
      const settled = settle(asked, settings)
      if (jumpOf(settings, asked, settled) !== null) return { why: 'behind a jump host' }
      if (firstOf(settings, 'proxycommand') !== null) return { why: 'behind a ProxyCommand' }
      return { address: settled.address, port: settled.port, family: localEnd(settings).family }
    } catch (error) {
      return { why: messageOf(error) }
    }
  }
}

/** The first address of a name that is of this family, in numbers; an address stays what it is. It never rejects. */
export async function inNumbers(
  name: string,
  family: LocalEnd['family'] = 0,
): Promise<{ readonly address: string } | { readonly why: string }> {
  const own = isIP(name)
  if (own !== 0 && (family === 0 || own === family)) return { address: name }
  const allowed = `AddressFamily ${family === 6 ? 'inet6' : 'inet'}`
  if (own !== 0) return { why: `${name} is no address that ${allowed} allows` }
  try {
    const [first] = (await lookup(name, { all: true })).filter(found => family === 0 || found.family === family)
    return first ? { address: first.address } : { why: `${name} has no address that ${allowed} allows` }
  } catch (error) {
    return { why: `the name ${name} could not be looked up: ${messageOf(error)}` }
  }
}
