/** Public keys as they travel (RFC 4253, 6.6): a type name, then numbers; and how ssh shows them to people. */
import { createHash } from 'node:crypto'

/** First string of a key blob, its type; null when it is no key blob. */
export function blobType(blob: Buffer): string | null {
  if (blob.length < 8) return null
  const length = blob.readUInt32BE(0)
  if (length === 0 || length > 64 || blob.length <= 4 + length) return null
  const type = blob.toString('latin1', 4, 4 + length)
  return /^[\w@.-]+$/.test(type) ? type : null
}

/** `SHA256:…`, as ssh and ssh-keygen -l print it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}
