/** Names of hosts with ranges and a port in them: `web[01:20:2].example.net:2222`. */
import { isIPv6 } from 'node:net'
import { ConfigError, type Place } from '../errors.ts'

/** More hosts than any inventory; a slip such as `[1:99999999]` must not fill the memory. */
const MAX_EXPANDED = 100_000

export interface HostNames {
  readonly names: readonly string[]
  readonly port: number | null
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** Every host a name stands for, in order. Throws ConfigError at the place given. */
export function expandHosts(pattern: string, place: Place): HostNames {
  const fail: Fail = message => {
    throw new ConfigError(message, { place })
  }
  const bracketed = /^\[(.+)\]:(\d+)$/.exec(pattern)
  const plainPort = isIPv6(pattern) ? null : /^((?:[^:[\]]|\[[^\]]*\])*):(\d+)$/.exec(pattern)
  const [, name = pattern, port] = bracketed ?? plainPort ?? []
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    fail(`expected a port from 1 to 65535 after the name, got ${port}`)
  }
  return { names: expand(name, fail), port: port === undefined ? null : Number(port) }
}

type Fail = (message: string) => never

function expand(pattern: string, fail: Fail): readonly string[] {
  let names = ['']
  // The odd pieces are what stood in brackets.
  for (const [i, piece] of pattern.split(/\[([^[\]]*)\]/).entries()) {
    if (i % 2 === 0 && /[[\]]/.test(piece)) fail('expected a range such as [01:20], got a single bracket')
    const parts = i % 2 === 0 ? [piece] : range(piece, fail)
    if (names.length * parts.length > MAX_EXPANDED) fail(`expected at most ${MAX_EXPANDED} hosts in a range, got more`)
    names = names.flatMap(name => parts.map(part => name + part))
  }
  return names
}

/** `01:20`, `a:f`, `:9`, each with an optional `:step`; both ends belong to it. */
function range(text: string, fail: Fail): readonly string[] {
  const [begin = '', end = '', step = '1', more] = text.split(':')
  if (!text.includes(':') || end === '' || more !== undefined || !/^\d{1,9}$/.test(step) || Number(step) === 0) {
    fail(`expected a range [begin:end] or [begin:end:step], got [${text}]`)
  }
  const isLetters = LETTERS.includes(begin) && LETTERS.includes(end) && begin.length === 1 && end.length === 1
  const first = isLetters ? LETTERS.indexOf(begin) : Number(begin)
  const last = isLetters ? LETTERS.indexOf(end) : Number(end)
  if (!isLetters && !/^\d{0,9}:\d{1,9}$/.test(`${begin}:${end}`)) {
    fail(`expected numbers or single letters in a range, got [${text}]`)
  }
  if (first > last) fail(`expected a range that goes up, got [${text}]`)
  // A leading zero asks for names of one length: web[01:20] starts at web01.
  const width = begin.length > 1 && begin.startsWith('0') ? begin.length : 0
  if (!isLetters && width > 0 && width !== end.length) {
    fail(`expected a begin and an end of the same length, got [${text}]`)
  }
  const count = Math.floor((last - first) / Number(step)) + 1
  if (count > MAX_EXPANDED) fail(`expected at most ${MAX_EXPANDED} hosts in a range, got ${count}`)
  return Array.from({ length: count }, (_, i) => {
    const at = first + i * Number(step)
    return isLetters ? LETTERS.charAt(at) : String(at).padStart(width, '0')
  })
}
