/** The policy on host keys: which one is let through, and the words for every one that is not. */
import { ConnectError, formatPlace, messageOf } from '../errors.ts'
import type { HostKeyPolicy } from '../inventory/host.ts'
import { quote } from '../lang/sh.ts'
import { blobType, fingerprint } from './host-key.ts'
import { unknownKeyHint } from './host-key-policy.ts'
import { whyTooShort } from './key-rules.ts'
import type { Verdict } from './known-hosts.ts'
import type { Route } from './route.ts'

/** What a host is called in known_hosts: HostKeyAlias, which has no port, else address and port. */
export function namesOf({ host, hostKeyAlias }: Pick<Route, 'host' | 'hostKeyAlias'>): [name: string, port: number] {
  return hostKeyAlias === null ? [host.address, host.port] : [hostKeyAlias, 22]
}

/** null = go on. A key accepted as new is on file before this returns. */
export function checkHostKey(route: Route, blob: Buffer): ConnectError | null {
  const { host, knownHosts, policy } = route
  const refuse = (text: string, hint?: string): ConnectError =>
    new ConnectError(host.name, 'host-key', `${host.name}: ${text}`, { hint })
  const [known, port] = namesOf(route)
  const where = route.hostKeyAlias === null ? `${host.address}:${host.port}` : `${host.address} (${known})`
  const name = port === 22 ? known : `[${known}]:${port}`
  const short = whyTooShort(blob, route.keyRules)
  // As ssh: before anything else, for such a key can be made up.
  if (short !== null) return refuse(`the host key of ${where} is ${short}`, 'a longer one: ssh-keygen -t ed25519 there')
  return judge(knownHosts.verdict(known, port, blob), policy)

  function judge(verdict: Verdict, rule: HostKeyPolicy): ConnectError | null {
    switch (verdict.status) {
      case 'known':
        return null
      case 'revoked':
        return refuse(`the host key of ${where} is revoked by ${formatPlace(verdict.place)}`)
      case 'changed': {
        const { expected, actual, place } = verdict
        return refuse(
          `the host key of ${where} is not the known one: it shows ${actual.type} ${actual.fingerprint}, ` +
            `${formatPlace(place)} has ${expected.type} ${expected.fingerprint}`,
          `when the new key is right: ssh-keygen -R ${quote(name)} -f ${quote(place.file)}`,
        )
      }
      case 'unknown': {
        if (verdict.authority) {
          const by = formatPlace(verdict.authority)
          const hint = 'host certificates need the system’s ssh: --transport openssh'
          return refuse(`only the certificate authority of ${by} vouches for ${where}`, hint)
        }
        // What another process wrote meanwhile is judged like what was on file from the start.
        if (rule === 'accept-new') return accept(route, blob, refuse, found => judge(found, 'strict'))
        return refuse(
          `the host key of ${where} is not known (${blobType(blob) ?? 'no key'} ${fingerprint(blob)})`,
          unknownKeyHint(host),
        )
      }
    }
  }
}

/** A key that cannot be written down could not be checked next time: that is no acceptance. */
function accept(
  route: Route,
  blob: Buffer,
  refuse: (text: string) => ConnectError,
  judge: (found: Verdict) => ConnectError | null,
): ConnectError | null {
  try {
    return judge(route.knownHosts.add(...namesOf(route), blob, { hash: route.hashNames }))
  } catch (error) {
    return refuse(`its new host key is not accepted: ${messageOf(error)}`)
  }
}
