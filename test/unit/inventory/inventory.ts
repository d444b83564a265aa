/** Inventories for the tests, read from text as from a file. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CtfixError } from '../../../src/errors.ts'
import { type Inventory, loadInventory } from '../../../src/inventory/index.ts'
import type { HostDefaults } from '../../../src/inventory/make-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfix-inventory-'))
let count = 0

export function write(content: string | Uint8Array, name = 'hosts.yaml'): string {
  const file = join(folder, `${count++}-${name}`)
  writeFileSync(file, content)
  return file
}

export function load(text: string, defaults: HostDefaults = { user: 'me' }): Inventory {
  return loadInventory([write(text)], defaults)
}

/** The message of the CtfixError that the text or the function causes, without the path of the file. */
export function refusal(what: string | (() => unknown)): string {
  try {
    typeof what === 'string' ? load(what) : what()
  } catch (error) {
    if (error instanceof CtfixError) return error.message.replace(/^\S*-(?=[\w.]+(:|$))/, '')
    throw error
  }
  throw new Error('nothing was refused')
}
