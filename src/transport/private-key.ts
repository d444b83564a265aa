/** What a private key file is, seen without a passphrase; and PKCS#8, which the SSH library does not read. */
import { createPrivateKey } from 'node:crypto'
import { blobType } from './host-key.ts'

export interface KeyFile {
  readonly encrypted: boolean
  /** The public half, where the file shows it in the clear. */
  readonly publicBlob: Buffer | null
  readonly format: 'openssh' | 'pem' | 'pkcs8' | 'putty' | 'unknown'
}

/** Reads the outside of a key file; never fails. */
export function inspectKey(text: string): KeyFile {
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
  if (begin === 'OPENSSH PRIVATE KEY') return inspectOpenSsh(text)
  if (begin === 'ENCRYPTED PRIVATE KEY') return { encrypted: true, publicBlob: null, format: 'pkcs8' }
  if (begin === 'PRIVATE KEY') return { encrypted: false, publicBlob: null, format: 'pkcs8' }
  if (begin?.endsWith(' PRIVATE KEY')) {
    return { encrypted: /^Proc-Type:.*ENCRYPTED/m.test(text), publicBlob: null, format: 'pem' }
  }
  if (text.startsWith('PuTTY-User-Key-File-')) {
    return { encrypted: !/^Encryption: none\s*$/m.test(text), publicBlob: null, format: 'putty' }
  }
  return { encrypted: false, publicBlob: null, format: 'unknown' }
}

/** openssh-key-v1 (PROTOCOL.key): magic, cipher, kdf, its options, number of keys, public key: all in the clear. */
function inspectOpenSsh(text: string): KeyFile {
  const body = text.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '')
  const bytes = Buffer.from(body, 'base64')
  let at = 'openssh-key-v1\0'.length
  const next = (): Buffer => {
    if (bytes.length < at + 4) return Buffer.alloc(0)
    const length = bytes.readUInt32BE(at)
    at += 4 + length
    return bytes.subarray(at - length, at)
  }
  const cipher = next().toString('latin1')
  next()
  next()
  at += 4
  const blob = next()
  return { encrypted: cipher !== 'none', publicBlob: blobType(blob) ? Buffer.from(blob) : null, format: 'openssh' }
}

/** A key of PKCS#8 in a form the SSH library reads: PEM for RSA and EC, OpenSSH's own for Ed25519; null for others. */
export function fromPkcs8(text: string, passphrase: string | null): string | null {
  const key = createPrivateKey(passphrase === null ? text : { key: text, passphrase })
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString()
  if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString()
  if (key.asymmetricKeyType !== 'ed25519') return null
  const { d = '', x = '' } = key.export({ format: 'jwk' })
  return ed25519Text(Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url'))
}

/** PROTOCOL.key, unencrypted: it stays in memory. */
function ed25519Text(secret: Buffer, shown: Buffer): string {
  const string = (bytes: Buffer | string): Buffer => Buffer.concat([number(bytes.length), Buffer.from(bytes)])
  const type = string('ssh-ed25519')
  // Two equal numbers tell a reader that it decrypted well; nothing is encrypted here.
  const inner = Buffer.concat([
    number(0),
    number(0),
    type,
    string(shown),
    string(Buffer.concat([secret, shown])),
    string(''),
  ])
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, i) => i + 1))
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(string),
    number(1),
    string(Buffer.concat([type, string(shown)])),
    string(Buffer.concat([inner, padding])),
  ])
  const lines = body.toString('base64').replaceAll(/.{70}/g, '$&\n')
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
