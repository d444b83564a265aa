/** Ids of runs: sortable by time, unique without coordination (ULID: 48 bits of time, 80 of chance, Crockford's base 32). */
import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** True for what could have come from here. */
export const isRunId = (text: string): boolean => text.length === 26 && [...text].every(char => ALPHABET.includes(char))

/** A new id for a run that starts now. */
export function newRunId(now: number = Date.now()): string {
  let bits = BigInt(now)
  for (const byte of randomBytes(10)) bits = (bits << 8n) | BigInt(byte)
  let id = ''
  for (let i = 0; i < 26; i++) {
    id = (ALPHABET[Number(bits & 31n)] ?? '') + id
    bits >>= 5n
  }
  return id
}
