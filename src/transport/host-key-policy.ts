/** How carefully a host's key is checked, and what ssh_config says of that which only ssh can do. */
import { ConfigError } from '../errors.ts'
import type { Host, HostKeyPolicy } from '../inventory/host.ts'
import { quote } from '../lang/sh.ts'
import type { Settings, SshConfig } from './ssh-config.ts'

/** They can refuse a key that known_hosts has: to pass over them is to trust more than ssh does. */
const UNREAD = { revokedhostkeys: 'RevokedHostKeys', knownhostscommand: 'KnownHostsCommand' } as const

/** Throws ConfigError for checks that this program would leave out, and for a host that ssh_config says not to go to. */
export function refuseUnread(host: Host, settings: Settings, config: Pick<SshConfig, 'placeOf'>): void {
  const refused = settings.get('refuseconnection')
  if (refused) {
    const place = config.placeOf(settings, 'refuseconnection') ?? host.place
    throw new ConfigError(`${host.name}: ssh_config refuses to connect there: ${refused.join(' ')}`, { place })
  }
  for (const [keyword, name] of Object.entries(UNREAD)) {
    const value = settings.get(keyword)?.[0] ?? ''
    if (value === '' || value.toLowerCase() === 'none') continue
    const place = config.placeOf(settings, keyword) ?? host.place
    const hint = '--transport openssh'
    throw new ConfigError(`${host.name}: ${name} needs the system’s ssh: --transport openssh`, { place, hint })
  }
}

/** What the inventory says of the host goes before a flag, but for a flag that asks for more care. */
export function stricter(host: Host, flag: HostKeyPolicy | undefined): HostKeyPolicy | undefined {
  return flag === 'strict' ? 'strict' : (host.hostKeyPolicy ?? flag)
}

/** A host key is always checked: `no` and `off` are no policy here. */
export function policyOf(settings: Settings): HostKeyPolicy {
  return settings.get('stricthostkeychecking')?.[0]?.toLowerCase() === 'accept-new' ? 'accept-new' : 'strict'
}

/** The ways a new key gets on file. A jump host has no scan of its own: it is logged in to. */
export function unknownKeyHint({ address, port }: Pick<Host, 'address' | 'port'>): string {
  const ways = `ctfix hostkeys scan, ssh -p ${port} ${quote(address)}, or --host-key accept-new`
  return `compare the fingerprint, then: ${ways}`
}
