/**
 * What is offered in the handshake, always in full, so that nothing is ever negotiated that we did not choose.
 * No diffie-hellman-group-exchange: checking the server's prime blocks the whole process for two seconds a connection.
 */
import type { Host } from '../inventory/host.ts'

/** As ssh offers today; GCM first, for it is the cheapest here. */
const MODERN = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group18-sha512',
  ],
  serverHostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
  ],
  hmac: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha1-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
    'hmac-sha1',
  ],
} as const

/** Added at the end for OpenSSH 4.3 and 5.3 (CentOS 5 and 6), one host at a time: ctfix_legacy_ssh. */
const LEGACY = {
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
  serverHostKey: ['ssh-rsa', 'ssh-dss'],
  cipher: ['aes128-cbc', '3des-cbc'],
  hmac: ['hmac-md5'],
} as const

type Name<Part extends keyof typeof MODERN> = (typeof MODERN)[Part][number] | (typeof LEGACY)[Part][number]

export interface Offer {
  kex: Name<'kex'>[]
  serverHostKey: Name<'serverHostKey'>[]
  cipher: Name<'cipher'>[]
  hmac: Name<'hmac'>[]
}

/** An RSA key has one type and three signature algorithms. */
function keyType(algorithm: string): string {
  return algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm
}

/** The offer to one host; algorithms of key types in `knownTypes` come first. */
export function offerTo(host: Pick<Host, 'legacySsh'>, knownTypes: readonly string[]): Offer {
  const hostKeys: Name<'serverHostKey'>[] = [...MODERN.serverHostKey]
  if (host.legacySsh) hostKeys.push(...LEGACY.serverHostKey)
  const isKnown = (algorithm: string): boolean => knownTypes.includes(keyType(algorithm))
  return {
    kex: host.legacySsh ? [...MODERN.kex, ...LEGACY.kex] : [...MODERN.kex],
    serverHostKey: [...hostKeys.filter(isKnown), ...hostKeys.filter(algorithm => !isKnown(algorithm))],
    cipher: host.legacySsh ? [...MODERN.cipher, ...LEGACY.cipher] : [...MODERN.cipher],
    hmac: host.legacySsh ? [...MODERN.hmac, ...LEGACY.hmac] : [...MODERN.hmac],
  }
}
