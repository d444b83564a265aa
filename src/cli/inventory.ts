/** `ctfix inventory list | graph | host NAME`: what the inventory comes to; no host is touched. */
import { NoMatchError } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import { nearest, plain } from '../lang/text.ts'
import {
  graphText,
  inventoryDocument,
  inventoryHostDocument,
  inventoryHostText,
  inventoryText,
} from '../view/inventory.ts'
import type { SharedOptions } from './options.ts'
import { readFleet, readNames } from './session.ts'

interface InventoryOptions extends SharedOptions {
  readonly json?: boolean
}

/** The hosts of --limit, one row each. */
export async function listInventory(options: InventoryOptions): Promise<void> {
  const { inventory, hosts } = await readFleet(options)
  print(
    options,
    () => inventoryText(inventory, hosts),
    () => inventoryDocument(inventory, hosts),
  )
}

/** The tree of groups with the hosts of --limit. */
export async function graphInventory(options: InventoryOptions): Promise<void> {
  const { inventory, names } = await readNames(options)
  const hosts = () => names.flatMap(name => inventory.host(name) ?? [])
  print(
    options,
    () => graphText(inventory, new Set(names)),
    () => inventoryDocument(inventory, hosts()),
  )
}

/** One host, each variable with the place it comes from; what is wrong with another one is not in its way. */
export async function showHost(name: string, options: InventoryOptions): Promise<void> {
  const { inventory, names } = await readNames(options)
  const host = names.includes(name) ? inventory.host(name) : undefined
  if (!host && inventory.groups.has(name)) {
    throw new NoMatchError(`no host is called ${describe(name)}; it is a group`, {
      hint: `ctfix inventory list --limit ${plain(name)}`,
    })
  }
  if (!host) {
    const near = nearest(name, names)
    const question = near === undefined ? '' : `; did you mean ${plain(near)}?`
    throw new NoMatchError(`no host is called ${describe(name)}${question}`)
  }
  print(
    options,
    () => inventoryHostText(inventory, host),
    () => inventoryHostDocument(inventory, host),
  )
}

function print({ output, json }: InventoryOptions, text: () => string, document: () => unknown): void {
  const format = json ? 'json' : output
  const indent = format === 'json' ? 2 : 0
  process.stdout.write(format === 'human' ? text() : `${JSON.stringify(document(), null, indent)}\n`)
}
