/** The policy on host keys: which one is let through, and the words for every one that is not. */
import { ConnectError, formatPlace, messageOf } from '../errors.ts'
import type { Host, HostKeyPolicy } from '../inventory/host.ts'
import { quote } from '../lang/sh.ts'
import { blobType, fingerprint } from './host-key.ts'
import type { KnownHosts } from './known-hosts.ts'

/** null = go on. A key accepted as new is on file before this returns. */
export function checkHostKey(
  host: Host,
  blob: Buffer,
  knownHosts: KnownHosts,
  policy: HostKeyPolicy,
): ConnectError | null {
  const refuse = (text: string, hint?: string): ConnectError =>
    new ConnectError(host.name, 'host-key', `${host.name}: ${text}`, { hint })
  const where = `${host.address}:${host.port}`
  const name = host.port === 22 ? host.address : `[${host.address}]:${host.port}`
  const verdict = knownHosts.verdict(host.address, host.port, blob)
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
      if (policy === 'accept-new') return accept(host, blob, knownHosts, refuse)
      return refuse(
        `the host key of ${where} is not known (${blobType(blob) ?? 'no key'} ${fingerprint(blob)})`,
        `compare the fingerprint, then: ssh -p ${host.port} ${quote(host.address)}, or --host-key accept-new`,
      )
    }
  }
}

/** A key that cannot be written down could not be checked next time: that is no acceptance. */
function accept(
  host: Host,
  blob: Buffer,
  knownHosts: KnownHosts,
  refuse: (text: string) => ConnectError,
): ConnectError | null {
  try {
    knownHosts.add(host.address, host.port, blob)
    return null
  } catch (error) {
    return refuse(`its new host key is not accepted: ${messageOf(error)}`)
  }
}
