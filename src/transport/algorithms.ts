/**
 * What is offered in the handshake, always in full, so that nothing is ever negotiated that we did not choose.
 * No diffie-hellman-group-exchange: checking the server's prime blocks the whole process for two seconds a connection.
 */
import { ConfigError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { matchesAny } from './known-hosts-line.ts'
import type { Settings, SshConfig } from './ssh-config.ts'

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

/** What ssh_config says of each, in its own spelling: `a,b` only these, `+a`, `-a*`, `^a`. */
export type Wanted = Readonly<Partial<Record<keyof Offer, string>>>

const KEYWORDS = {
  kex: ['kexalgorithms', 'KexAlgorithms'],
  serverHostKey: ['hostkeyalgorithms', 'HostKeyAlgorithms'],
  cipher: ['ciphers', 'Ciphers'],
  hmac: ['macs', 'MACs'],
} as const
const PARTS = ['kex', 'serverHostKey', 'cipher', 'hmac'] as const

/** Throws ConfigError where nothing is left of what this program can do. */
export function wantedOf(host: Host, settings: Settings, config: Pick<SshConfig, 'placeOf'>): Wanted {
  const wanted: { [Part in keyof Offer]?: string } = {}
  for (const part of PARTS) {
    const [keyword, name] = KEYWORDS[part]
    const list = settings.get(keyword)?.[0]
    if (list === undefined) continue
    if (allowed(part, list).length === 0) {
      const place = config.placeOf(settings, keyword) ?? host.place
      const text = `${host.name}: of ${name} ${list} there is nothing that ctfix knows`
      throw new ConfigError(text, { place, hint: 'the system’s ssh may know more: --transport openssh' })
    }
    wanted[part] = list
  }
  return wanted
}

/** In our order: the list says which may be used, and the cheapest of them is as good as any. */
function allowed<Part extends keyof Offer>(part: Part, list: string): Name<Part>[] {
  const modern: readonly Name<Part>[] = MODERN[part]
  const all: readonly Name<Part>[] = [...modern, ...LEGACY[part]]
  const sign = /^[+^-]/.exec(list)?.[0]
  const patterns = (sign === undefined ? list : list.slice(1)).split(',')
  // As for ssh: a pattern takes names out, and never in.
  const isListed = (name: string): boolean => (sign === '-' ? matchesAny(name, patterns) : patterns.includes(name))
  if (sign === undefined) return all.filter(isListed)
  if (sign === '-') return modern.filter(name => !isListed(name))
  return all.filter(name => isListed(name) || modern.includes(name))
}

/**
 * The offer to one host; algorithms of key types in `knownTypes` come first. An old host is offered what it needs,
 * whatever is said for all.
 */
export function offerTo(host: Pick<Host, 'legacySsh'>, knownTypes: readonly string[], wanted: Wanted = {}): Offer {
  const namesOf = <Part extends keyof Offer>(part: Part): Name<Part>[] => {
    const list = wanted[part]
    if (host.legacySsh) return [...MODERN[part], ...LEGACY[part]]
    return list === undefined ? [...MODERN[part]] : allowed(part, list)
  }
  const hostKeys = namesOf('serverHostKey')
  const isKnown = (algorithm: string): boolean => knownTypes.includes(keyType(algorithm))
  return {
    kex: namesOf('kex'),
    serverHostKey: [...hostKeys.filter(isKnown), ...hostKeys.filter(algorithm => !isKnown(algorithm))],
    cipher: namesOf('cipher'),
    hmac: namesOf('hmac'),
  }
}
