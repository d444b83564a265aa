/** Inventories for the tests, read from text as from a file. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CtfixError } from '../../../src/errors.ts'
import { hearPrograms, type Inventory, loadInventory } from '../../../src/inventory/index.ts'
import type { HostDefaults } from '../../../src/inventory/make-host.ts'
import { NO_VAULT, type Vault } from '../../../src/inventory/vault.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfix-inventory-'))
let count = 0

export function write(content: string | Uint8Array, name = 'hosts.yaml'): string {
  const file = join(folder, `${count++}-${name}`)
  writeFileSync(file, content)
  return file
}

/** Writes files into a directory of their own, those that begin with `#!` as programs; the path of the directory. */
export function writeTree(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(folder, 'tree-'))
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 })
  }
  return directory
}

export function load(text: string, defaults: HostDefaults = { user: 'me' }): Inventory {
  return loadInventory([write(text)], defaults)
}

/** Programs are run. */
export async function loadHeard(
  sources: readonly string[],
  { vault = NO_VAULT }: { readonly vault?: Vault } = {},
): Promise<Inventory> {
  const patience = { say: () => {}, signal: new AbortController().signal }
  return loadInventory(sources, {}, { vault, programs: await hearPrograms(sources, vault, patience) })
}

/** As `refusal`, of sources that programs are among. */
export async function refusalOf(sources: readonly string[]): Promise<string> {
  const read = await loadHeard(sources).catch((error: unknown) => error)
  return refusal(() => {
    if (read instanceof Error) throw read
    return read
  })
}

/** The message of the CtfixError that the text or the function causes, without the path of the file. */
export function refusal(what: string | (() => unknown)): string {
  try {
    const read = typeof what === 'string' ? load(what) : what()
    // Hosts are made when asked for.
    if (typeof read === 'object' && read !== null && 'hosts' in read) void read.hosts
  } catch (error) {
    if (error instanceof CtfixError) return error.message.replace(/^\S*-(?=[\w.]+(:|$))/, '')
    throw error
  }
  throw new Error('nothing was refused')
}
