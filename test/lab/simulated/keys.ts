/** Key pairs of the simulated lab; made once a process, shared by groups of hosts. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type ParsedKey } from 'ssh2'

// A CommonJS module: Node finds only some of its names by itself.
const { utils } = ssh2

export interface Pair {
  readonly privateText: string
  /** `ssh-ed25519 AAAA…` */
  readonly publicText: string
  readonly parsed: ParsedKey
}

/** The library's generator now and then writes a key that its own reader calls malformed: such a one is thrown away. */
export function makePair(): Pair {
  const made = utils.generateKeyPairSync('ed25519')
  const parsed = utils.parseKey(made.private)
  if (parsed instanceof Error) return makePair()
  return { privateText: made.private, publicText: made.public.split(' ').slice(0, 2).join(' '), parsed }
}

let pairs: { readonly hosts: readonly Pair[]; readonly wrong: Pair; readonly user: Pair } | undefined

/** Eight host keys serve any number of hosts. */
export function labKeys(): NonNullable<typeof pairs> {
  pairs ??= { hosts: Array.from({ length: 8 }, makePair), wrong: makePair(), user: makePair() }
  return pairs
}

/** The user's key in a file of its own directory. */
export function userKeyFile(): { readonly path: string; readonly remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-sim-'))
  const path = join(directory, 'id_ed25519')
  writeFileSync(path, labKeys().user.privateText)
  chmodSync(path, 0o600)
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
