/** The host keys the user already trusts: known_hosts files, read once, asked from memory. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError, type Place } from '../errors.ts'
import { blobType, fingerprint } from './host-key.ts'
import { type KnownKey, parseLine } from './known-hosts-line.ts'

export type Verdict =
  | { readonly status: 'known' }
  /** No line for this host; `authority` names a @cert-authority line that would vouch for a certificate of it. */
  | { readonly status: 'unknown'; readonly authority: Place | null }
  /** Other keys are on file for this host; `expected` is the one to show (of the same type where there is one). */
  | {
      readonly status: 'changed'
      readonly place: Place
      readonly expected: { readonly type: string; readonly fingerprint: string }
      readonly actual: { readonly type: string; readonly fingerprint: string }
    }
  | { readonly status: 'revoked'; readonly place: Place }

export class KnownHosts {
  readonly #files: readonly string[]
  readonly #byName = new Map<string, KnownKey[]>()
  readonly #patterns: KnownKey[] = []
  /** Hashed lines cost an HMAC each, and one host is asked for several times. */
  readonly #found = new Map<string, readonly KnownKey[]>()
  /** Lines that could not be understood; ssh ignores them too. */
  readonly damaged: readonly Place[]

  private constructor(files: readonly string[], lines: readonly KnownKey[], damaged: readonly Place[]) {
    this.#files = files
    this.damaged = damaged
    for (const line of lines) this.#keep(line)
  }

  /** A file that does not exist is empty; one that cannot be read is an error. */
  static async load(files: readonly string[]): Promise<KnownHosts> {
    const texts = await Promise.all(files.map(readKnownHosts))
    const parsed = texts.flatMap((text, i) =>
      text.split('\n').map((line, n) => {
        const place = { file: files[i] ?? '', line: n + 1 }
        return { place, result: parseLine(line, place) }
      }),
    )
    const lines = parsed.flatMap(({ result }) => (result === null || result === 'damaged' ? [] : [result]))
    const damaged = parsed.filter(({ result }) => result === 'damaged').map(({ place }) => place)
    return new KnownHosts(files, lines, damaged)
  }

  /** What is known of this key for this host. Revocation comes before everything. */
  verdict(host: string, port: number, blob: Buffer): Verdict {
    const lines = names(host, port).map(name => this.#lines(name))
    const revoked = lines.flat().find(line => line.marker === 'revoked' && line.blob.equals(blob))
    if (revoked) return { status: 'revoked', place: revoked.place }
    const [own = [], plain = []] = lines.map(found => found.filter(({ marker }) => marker === null))
    if (own.some(line => line.blob.equals(blob))) return { status: 'known' }
    const type = blobType(blob) ?? 'unknown'
    const other = own.find(line => line.type === type) ?? own[0]
    if (other) {
      const expected = { type: other.type, fingerprint: fingerprint(other.blob) }
      return { status: 'changed', place: other.place, expected, actual: { type, fingerprint: fingerprint(blob) } }
    }
    // As ssh does: with nothing on file for [host]:port, the same key under the bare name will do; another one says nothing.
    if (plain.some(line => line.blob.equals(blob))) return { status: 'known' }
    const authority = lines[0]?.find(({ marker }) => marker === 'cert-authority')
    return { status: 'unknown', authority: authority?.place ?? null }
  }

  /** Key types on file for this host, to be offered first: else a host known by its ecdsa key looks changed. */
  knownTypes(host: string, port: number): readonly string[] {
    const [own = [], plain = []] = names(host, port).map(name =>
      this.#lines(name).filter(({ marker }) => marker === null),
    )
    return [...new Set((own.length > 0 ? own : plain).map(({ type }) => type))]
  }

  /**
   * Remembers a key, in memory and at the end of the first file, as ssh does with accept-new.
   * Synchronous on purpose: two connections to one new host cannot come between look and write.
   */
  add(host: string, port: number, blob: Buffer): void {
    const file = this.#files[0]
    if (file === undefined) throw new ConfigError('no known_hosts file to write to')
    const text = `${names(host, port)[0]} ${blobType(blob)} ${blob.toString('base64')}`
    const line = parseLine(text, { file })
    if (line === null || line === 'damaged') throw new TypeError('not a host key')
    appendLine(file, text)
    this.#keep(line)
    this.#found.clear()
  }

  #keep(line: KnownKey): void {
    if (line.names === null) this.#patterns.push(line)
    for (const name of line.names ?? []) {
      const lines = this.#byName.get(name)
      if (lines) lines.push(line)
      else this.#byName.set(name, [line])
    }
  }

  #lines(name: string): readonly KnownKey[] {
    const found = this.#found.get(name)
    if (found) return found
    const lines = [...(this.#byName.get(name) ?? []), ...this.#patterns.filter(line => line.matches(name))]
    this.#found.set(name, lines)
    return lines
  }
}

/** Names to look under: ssh writes `[host]:port` for any port but 22. */
function names(host: string, port: number): readonly string[] {
  const name = host.toLowerCase()
  return port === 22 ? [name] : [`[${name}]:${port}`, name]
}

async function readKnownHosts(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return ''
    throw new ConfigError(`cannot read known hosts`, { place: { file }, cause: error })
  }
}

/** One write, O_APPEND, so that another ssh writing at the same time cannot be overwritten or split. */
function appendLine(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const descriptor = openSync(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
    try {
      writeSync(descriptor, `${endsOpen(descriptor) ? '\n' : ''}${text}\n`)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new ConfigError(`cannot add a host key${code}`, { place: { file }, cause: error })
  }
}

/** Does the file end in the middle of a line? */
function endsOpen(descriptor: number): boolean {
  const { size } = fstatSync(descriptor)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(descriptor, last, 0, 1, size - 1)
  return last[0] !== 0x0a
}
