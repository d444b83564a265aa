/** What the server says before anything is secret: its version, and the algorithms it takes (RFC 4253, 4.2 and 7.1). */
import { lastLine } from '../lang/text.ts'
import type { Offer } from './algorithms.ts'

export interface ServerOffer {
  /** `SSH-2.0-OpenSSH_5.3` */
  readonly version: string
  readonly kex: readonly string[]
  readonly serverHostKey: readonly string[]
  readonly cipher: readonly string[]
  readonly hmac: readonly string[]
}

const KEXINIT = 20
/** Greeting lines and the first packet: a server has no reason for more. */
const MOST_BYTES = 64 * 1024

/** Listens to the first bytes of a connection; gives what they said once all of it is there. */
export class FirstWords {
  #bytes = Buffer.alloc(0)
  #offer: ServerOffer | null = null

  hear(chunk: Buffer): void {
    if (this.#offer !== null || this.#bytes.length > MOST_BYTES) return
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#offer = readOffer(this.#bytes)
  }

  get offer(): ServerOffer | null {
    return this.#offer
  }
}

/** null while something is missing, or where it is no SSH. */
export function readOffer(bytes: Buffer): ServerOffer | null {
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\n', at)
    if (end === -1) return null
    const line = bytes.toString('latin1', at, end)
    at = end + 1
    if (line.startsWith('SSH-')) return readPacket(lastLine(line), bytes.subarray(at))
  }
}

function readPacket(version: string, bytes: Buffer): ServerOffer | null {
  // Length, padding length, type, a cookie of 16 bytes, then lists of names.
  if (bytes.length < 5 || bytes.length < 4 + bytes.readUInt32BE(0) || bytes[5] !== KEXINIT) return null
  let at = 22
  const list = (): string[] => {
    if (at + 4 > bytes.length) return []
    const length = bytes.readUInt32BE(at)
    at += 4 + length
    if (at > bytes.length) return []
    return bytes.toString('latin1', at - length, at).split(',')
  }
  const [kex = [], serverHostKey = [], cipher = [], , hmac = []] = [list(), list(), list(), list(), list()]
  return { version, kex, serverHostKey, cipher, hmac }
}

const PARTS = [
  ['kex', 'key exchange'],
  ['serverHostKey', 'host key type'],
  ['cipher', 'cipher'],
  ['hmac', 'MAC'],
] as const

/** The parts of a handshake that have no word in common, with both lists; empty when they do agree. */
export function disagreements(server: ServerOffer, ours: Offer): string[] {
  return PARTS.flatMap(([part, what]) => {
    const offered: readonly string[] = ours[part]
    if (offered.some(name => server[part].includes(name))) return []
    // Markers of extensions are no algorithms.
    const theirs = server[part].filter(name => !/^(ext-info|kex-strict)-/.test(name))
    return [`no common ${what}: it offers ${theirs.join(', ')}; ctfix offers ${offered.join(', ')}`]
  })
}
