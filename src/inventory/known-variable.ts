/** How one variable is read: under several names, refused with its place, worked out once. */
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError, type Place } from '../errors.ts'
import { decodeValue, describe, type Where, Yaml } from '../lang/decode.ts'
import { Secret } from './host.ts'
import type { Variable } from './model.ts'
import { Vaulted } from './vault.ts'
import { hushed } from './vaulted-file.ts'

export type Lookup = (name: string) => Variable | undefined

/** Reads the first of its names that is set; undefined when none is. Throws ConfigError at the variable's place. */
export type KnownVariable<T> = ((lookup: Lookup) => T | undefined) & { readonly names: readonly string[] }

type ReadLater<T> = (open: () => unknown, name: string, place: Place) => T

/**
 * Ansible lets the more special spelling win wherever it is set (`ansible_ssh_user` of a group beats the `ansible_user`
 * of a host): so the names stand with the strongest first. Values are remembered: hosts share their groups' variables.
 * `readLater` gets what is vaulted without its being opened. Null is as good as nothing, unless `readsNull`.
 */
export function known<T>(
  names: readonly string[],
  read: (value: unknown, name: string, variable: Variable) => T,
  { readLater, readsNull = false }: { readonly readLater?: ReadLater<T>; readonly readsNull?: boolean } = {},
): KnownVariable<T> {
  const remembered = new WeakMap<Variable, { readonly value: T | undefined }>()
  function readRaw(variable: Variable, name: string): T | undefined {
    const raw = variable.value
    if (raw instanceof Vaulted && !name.startsWith('ctfix_')) {
      const { place } = variable
      if (readLater && raw.isSealed) return readLater(() => raw.open(place), name, place)
      const value = raw.open(place)
      return hushed(() => readRaw({ value, place, written: raw.written }, name))
    }
    refuseUnreadable(raw, name, variable.place)
    return raw === undefined || (raw === null && !readsNull) ? undefined : read(raw, name, variable)
  }
  function readOnce(variable: Variable, name: string): T | undefined {
    const before = remembered.get(variable)
    if (before) return before.value
    const value = readRaw(variable, name)
    remembered.set(variable, { value })
    return value
  }
  const readFirst = (lookup: Lookup): T | undefined => {
    for (const name of names) {
      const variable = lookup(name)
      const value = variable && readOnce(variable, name)
      if (value !== undefined) return value
    }
    return undefined
  }
  return Object.assign(readFirst, { names })
}

/** Values that only Ansible could work out, and vaults where plans and records would show what is inside. */
export function refuseUnreadable(value: unknown, name: string, place: Place): void {
  const expected = `expected a plain value for ${name}`
  if (typeof value === 'string') {
    if (!/\{\{|\{%|\{#/.test(value)) return
    const hint = `write the value itself${/_pass/.test(name) ? ', for secrets by ansible-vault encrypt_string' : ''}`
    throw new ConfigError(`${expected}, got a Jinja expression, which ctfix does not evaluate`, {
      place,
      expected,
      hint,
    })
  }
  if (value instanceof Vaulted) {
    throw new ConfigError(`${expected}, got a vaulted one: it would be shown in plans and records`, { place, expected })
  }
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) refuseUnreadable(part, name, place)
}

/** One that a schema judges. */
export function typed<T>(
  names: readonly string[],
  schema: z.ZodType<T>,
  options: { readonly readsNull?: boolean } = {},
): KnownVariable<T> {
  const read = (value: unknown, label: string, variable: Variable): T =>
    decodeValue(schema, value, { label, placeOf: placesIn(variable) })
  return known(names, read, options)
}

/** Finds the place of what is inside a variable, as far as its file is known. */
export function placesIn(variable: Variable): Where['placeOf'] {
  return (path, { key } = { key: false }) => {
    if (!(variable instanceof Yaml)) return variable.place
    const node = variable.at(path)
    return key ? node.keyPlace : node.place
  }
}

/** Never repeats what it got: it may be the password. One in a vault is opened for the hosts of a run only. */
export function secret(...names: readonly string[]): KnownVariable<Secret> {
  return known(names, (value, name, variable) => new Secret(passwordOf(value, name, variable)), {
    readLater: (open, name, place) =>
      new Secret(() => {
        const value = open()
        return hushed(() => passwordOf(value, name, { place }))
      }),
  })
}

/** A number only where it is written as the password must be: `1.0` and `007` are others once they are numbers. */
function passwordOf(value: unknown, name: string, { place, written }: Omit<Variable, 'value'>): string {
  refuseUnreadable(value, name, place)
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value) && (written ?? String(value)) === String(value))
    return String(value)
  const got = typeof value === 'object' ? describe(value) : 'something else'
  const expected = `expected text in quotes for ${name}`
  throw new ConfigError(`${expected}, got ${got}`, { place, expected })
}

/** `~` is this user's home; a relative path starts where the file that says it is. */
export function path(...names: readonly string[]): KnownVariable<string> {
  return known(names, (value, name, { place }) => {
    if (typeof value !== 'string' || value === '' || /^~[^/]/.test(value)) {
      const expected = `expected the path of a file for ${name}`
      throw new ConfigError(`${expected}, got ${describe(value)}`, { place, expected })
    }
    return value.startsWith('~') ? homedir() + value.slice(1) : resolve(dirname(place.file), value)
  })
}
