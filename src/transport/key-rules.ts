/** Which keys ssh_config lets be used at all: RequiredRSASize, and PubkeyAcceptedAlgorithms by the kind of key. */
import type { Host } from '../inventory/host.ts'
import { blobType } from './host-key.ts'
import type { Keyring } from './keyring.ts'
import { matchesAny } from './known-hosts-line.ts'
import { firstOf, positive, type Settings } from './ssh-config.ts'

export interface KeyRules {
  /** Of an RSA key, a host's or one's own; null = any. */
  readonly leastBits: number | null
  /** As PubkeyAcceptedAlgorithms says it; null = every kind. */
  readonly accepted: string | null
}

export const ANY_KEY: KeyRules = { leastBits: null, accepted: null }

/** The library picks the algorithm itself, by what the server takes: an RSA key counts where any of its own is allowed. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
}
/** Not accepted unless a list says so. */
const OLD = new Set(['ssh-rsa', 'ssh-dss'])

/** An old server takes what is old: there the list does not count, as that of no other algorithm does. */
export function keyRules({ legacySsh }: Pick<Host, 'legacySsh'>, settings: Settings): KeyRules {
  return {
    leastBits: positive(settings, 'requiredrsasize', 1),
    accepted: legacySsh ? null : firstOf(settings, 'pubkeyacceptedalgorithms'),
  }
}

/** Why one's own key may not be shown; null = it may. */
export function whyUnusable(publicBlob: Buffer, rules: KeyRules): string | null {
  const type = blobType(publicBlob) ?? ''
  const names = ALGORITHMS[type] ?? [type]
  if (rules.accepted !== null && !names.some(name => isAccepted(name, rules.accepted ?? ''))) {
    return `PubkeyAcceptedAlgorithms ${rules.accepted} leaves no ${type}`
  }
  return whyTooShort(publicBlob, rules)
}

/** The same keys, but for those that ssh_config lets nobody show. */
export function usableOf<Key>(keyring: Keyring<Key>, rules: KeyRules): Keyring<Key> {
  return async (file, wish) => {
    const loaded = await keyring(file, wish)
    const why = 'key' in loaded ? whyUnusable(loaded.publicBlob, rules) : null
    if (why === null || !('key' in loaded)) return loaded
    const { publicBlob } = loaded
    return { problem: `the key ${file} is not shown: ${why}`, hint: 'ssh -G HOST shows what holds there', publicBlob }
  }
}

/** Why an RSA key, a host's too, is too short; null = it is not. */
export function whyTooShort(publicBlob: Buffer, { leastBits }: KeyRules): string | null {
  const bits = rsaBits(publicBlob)
  if (bits === null || leastBits === null || bits >= leastBits) return null
  return `an RSA key of ${bits} bits, and RequiredRSASize says ${leastBits}`
}

function isAccepted(name: string, list: string): boolean {
  const sign = /^[+^-]/.exec(list)?.[0]
  const isListed = matchesAny(name, (sign === undefined ? list : list.slice(1)).split(','))
  if (sign === undefined) return isListed
  return sign === '-' ? !isListed && !OLD.has(name) : isListed || !OLD.has(name)
}

/** RFC 4253, 6.6: the type, the exponent, the modulus; null for other kinds of keys. */
function rsaBits(blob: Buffer): number | null {
  if (blobType(blob) !== 'ssh-rsa') return null
  const parts: Buffer[] = []
  for (let at = 0; at + 4 <= blob.length; ) {
    const end = at + 4 + blob.readUInt32BE(at)
    parts.push(blob.subarray(at + 4, end))
    at = end
  }
  return BigInt(`0x0${parts[2]?.toString('hex') ?? ''}`).toString(2).length
}
