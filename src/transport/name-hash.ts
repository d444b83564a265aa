/**
 * Hashed names of known_hosts, HMAC-SHA1 under a salt a line: to find one host in a file of thousands, every line has to be
 * tried, and OpenSSL takes 5 to 15 µs for each, most of it for its own objects. Written out, with the half of the work
 * that depends on the salt alone kept, it is a tenth of that; a test holds it against OpenSSL.
 */
import { createHmac } from 'node:crypto'

/** A name fits into one block beside the padding; a longer one takes the slow way. */
const LONGEST = 55
const BLOCK_BITS = 64 * 8

/** Worked in by one test after the other; nothing outlives a call but the block of the last name. */
const state = new Int32Array(5)
const last = new Int32Array(16)
last[5] = 0x80 << 24
last[15] = BLOCK_BITS + 20 * 8
let asked: { readonly name: string; readonly block: Int32Array | null } = { name: '', block: blockOf('') }

/** Tells whether a name is the one behind a salt and a hash. */
export function nameTest(salt: Buffer, wanted: Buffer): (name: string) => boolean {
  const goal = Int32Array.from({ length: 5 }, (_, i) => wanted.readInt32BE(4 * i))
  let halves: { readonly inner: Int32Array; readonly outer: Int32Array } | undefined
  return name => {
    // Thousands of lines are asked for one name after the other.
    if (asked.name !== name) asked = { name, block: name.length <= LONGEST && isAscii(name) ? blockOf(name) : null }
    if (asked.block === null || salt.length > 64) {
      return createHmac('sha1', salt).update(name).digest().equals(wanted)
    }
    halves ??= { inner: keyed(salt, 0x36), outer: keyed(salt, 0x5c) }
    state.set(halves.inner)
    compress(asked.block)
    last.set(state)
    state.set(halves.outer)
    compress(last)
    return (
      state[0] === goal[0] &&
      state[1] === goal[1] &&
      state[2] === goal[2] &&
      state[3] === goal[3] &&
      state[4] === goal[4]
    )
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: every character of one byte
const isAscii = (name: string): boolean => /^[\u0000-\u007f]*$/.test(name)

/** The state after the salt, which is the first block of each half. */
function keyed(salt: Buffer, pad: number): Int32Array {
  const block = new Int32Array(16)
  for (let i = 0; i < 64; i++) block[i >> 2] = (block[i >> 2] ?? 0) | (((salt[i] ?? 0) ^ pad) << (24 - 8 * (i & 3)))
  state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
  compress(block)
  return state.slice()
}

function blockOf(name: string): Int32Array {
  const block = new Int32Array(16)
  for (let i = 0; i < name.length; i++) {
    block[i >> 2] = (block[i >> 2] ?? 0) | (name.charCodeAt(i) << (24 - 8 * (i & 3)))
  }
  const end = name.length
  block[end >> 2] = (block[end >> 2] ?? 0) | (0x80 << (24 - 8 * (end & 3)))
  block[15] = BLOCK_BITS + end * 8
  return block
}

const words = new Int32Array(80)

/** One step of SHA-1 on `state` (FIPS 180-4, 6.1.2). */
function compress(block: Int32Array): void {
  words.set(block)
  for (let i = 16; i < 80; i++) {
    const x = (words[i - 3] ?? 0) ^ (words[i - 8] ?? 0) ^ (words[i - 14] ?? 0) ^ (words[i - 16] ?? 0)
    words[i] = (x << 1) | (x >>> 31)
  }
  let a = state[0] ?? 0
  let b = state[1] ?? 0
  let c = state[2] ?? 0
  let d = state[3] ?? 0
  let e = state[4] ?? 0
  for (let i = 0; i < 80; i++) {
    let f = b ^ c ^ d
    let k = 0x6ed9eba1
    if (i < 20) {
      f = (b & c) | (~b & d)
      k = 0x5a827999
    } else if (i >= 60) {
      k = 0xca62c1d6
    } else if (i >= 40) {
      f = (b & c) | (b & d) | (c & d)
      k = 0x8f1bbcdc
    }
    const next = (((a << 5) | (a >>> 27)) + f + e + k + (words[i] ?? 0)) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  state[0] = ((state[0] ?? 0) + a) | 0
  state[1] = ((state[1] ?? 0) + b) | 0
  state[2] = ((state[2] ?? 0) + c) | 0
  state[3] = ((state[3] ?? 0) + d) | 0
  state[4] = ((state[4] ?? 0) + e) | 0
}
