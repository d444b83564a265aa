/** The keys hosts show, for known_hosts: seen on the way a login would go, jump hosts and all, and without one. */
import { ConnectError, formatPlace } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type ConnectOptions, sshOf } from './connect.ts'
import { blobType, fingerprint } from './host-key.ts'
import { namesOf } from './host-key-check.ts'
import { retrying } from './retry.ts'

export interface SeenKey {
  readonly host: string
  /** As known_hosts has it: `web-1`, `[10.0.0.1]:2222`. */
  readonly name: string
  readonly type: string
  readonly fingerprint: string
  /** `new`: written down just now. */
  readonly state: 'known' | 'new' | 'changed' | 'revoked'
  /** What stands in the way: the line, and the key it has; of a revoked one that is the key shown. */
  readonly against: { readonly place: string; readonly type: string; readonly fingerprint: string } | null
}

export type HostKeyScan = (host: Host, signal: AbortSignal) => Promise<SeenKey>

/** Looks at one host after the other's asking. Rejects with ConnectError where no key was shown. */
export function createHostKeyScan(options: ConnectOptions): HostKeyScan {
  const seen = new Map<string, Buffer>()
  const look = (host: Host, blob: Buffer): ConnectError => {
    seen.set(host.name, blob)
    return new ConnectError(host.name, 'host-key', `${host.name}: seen`)
  }
  const { ssh, resolve, retry } = sshOf(options, { look })
  const connect = retrying(ssh, retry)
  return async (host, signal) => {
    const error = await connect(host, signal).then(
      () => new Error('logged in'),
      (thrown: unknown) => thrown,
    )
    const blob = seen.get(host.name)
    if (blob === undefined) throw error
    const route = await resolve(host)
    const [known, port] = namesOf(route)
    const before = route.knownHosts.verdict(known, port, blob)
    // A file named for it is a list to read and review; ssh's own is kept as ssh keeps it.
    const hash = route.hashNames && options.knownHostsFiles === undefined
    const verdict = before.status === 'unknown' ? route.knownHosts.add(known, port, blob, { hash }) : before
    const shown = { type: blobType(blob) ?? 'unknown', fingerprint: fingerprint(blob) }
    const key = { host: host.name, name: port === 22 ? known : `[${known}]:${port}`, ...shown }
    switch (verdict.status) {
      case 'revoked':
        return { ...key, state: 'revoked', against: { ...shown, place: formatPlace(verdict.place) } }
      case 'changed':
        return { ...key, state: 'changed', against: { ...verdict.expected, place: formatPlace(verdict.place) } }
      default:
        return { ...key, state: before.status === 'unknown' ? 'new' : 'known', against: null }
    }
  }
}
