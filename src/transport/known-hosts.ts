/** The host keys the user already trusts: known_hosts files, read once, asked from memory. */
import { readFile } from 'node:fs/promises'
import { ConfigError, codeOf, type Place } from '../errors.ts'
import { blobType, fingerprint } from './host-key.ts'
import { hashedName, type KnownKey, parseLine } from './known-hosts-line.ts'
import { appendLine, readNow, whileLocked } from './locked-file.ts'

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
  /** The first file, as far as it is in memory. */
  #text: string
  readonly #byName = new Map<string, KnownKey[]>()
  readonly #patterns: KnownKey[] = []
  /** Hashed lines cost an HMAC each, and one host is asked for several times. */
  readonly #found = new Map<string, readonly KnownKey[]>()
  /** Lines that could not be understood; ssh ignores them too. */
  readonly damaged: readonly Place[]

  private constructor(files: readonly string[], text: string, { lines, damaged }: Parsed) {
    this.#files = files
    this.#text = text
    this.damaged = damaged
    for (const line of lines) this.#keep(line)
  }

  /** A file that does not exist is empty; one that cannot be read is an error. */
  static async load(files: readonly string[]): Promise<KnownHosts> {
    const texts = await Promise.all(files.map(readKnownHosts))
    const parsed = texts.map((text, i) => parseFile(text, files[i] ?? ''))
    const lines = parsed.flatMap(file => file.lines)
    return new KnownHosts(files, texts[0] ?? '', { lines, damaged: parsed.flatMap(({ damaged }) => damaged) })
  }

  /** One text, as if it were a file. */
  static of(text: string, file: string): KnownHosts {
    return new KnownHosts([file], text, parseFile(text, file))
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
   * Remembers a key, in memory and at the end of the first file, as ssh does with accept-new. Gives the verdict of what
   * another process may have written there meanwhile: only `known` is on file. `hash`: the line does not show the name.
   * Synchronous on purpose: two connections to one new host cannot come between look and write.
   */
  add(host: string, port: number, blob: Buffer, { hash = false }: { readonly hash?: boolean } = {}): Verdict {
    const file = this.#files[0]
    if (file === undefined) throw new ConfigError('no known_hosts file to write to')
    const [name = host] = names(host, port)
    const text = `${hash ? hashedName(name) : name} ${blobType(blob)} ${blob.toString('base64')}`
    const line = parseLine(text, { file })
    if (line === null || line === 'damaged') throw new TypeError('not a host key')
    return whileLocked(file, () => {
      const verdict = this.#unchangedSince(file) ? this.verdict(host, port, blob) : verdictOf(file, host, port, blob)
      if (verdict.status !== 'unknown') return verdict
      const isCurrent = this.#unchangedSince(file)
      appendLine(file, text)
      if (isCurrent) this.#text = readNow(file)
      this.#keep(line)
      this.#found.clear()
      return { status: 'known' }
    })
  }

  /** True when all that the file holds is in memory, as it is while nobody else writes: reading it anew for each host adds up. */
  #unchangedSince(file: string): boolean {
    return readNow(file) === this.#text
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

function verdictOf(file: string, host: string, port: number, blob: Buffer): Verdict {
  return KnownHosts.of(readNow(file), file).verdict(host, port, blob)
}

interface Parsed {
  readonly lines: readonly KnownKey[]
  readonly damaged: readonly Place[]
}

function parseFile(text: string, file: string): Parsed {
  const lines: KnownKey[] = []
  const damaged: Place[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const place = { file, line: at + 1 }
    const result = parseLine(line, place)
    if (result === 'damaged') damaged.push(place)
    else if (result !== null) lines.push(result)
  }
  return { lines, damaged }
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
    if (['ENOENT', 'ENOTDIR'].includes(String(codeOf(error)))) return ''
    throw new ConfigError(`cannot read known hosts`, { place: { file }, cause: error })
  }
}
