/** How one variable is read: under several names, refused with its place, worked out once. */
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError, type Place } from '../errors.ts'
import { decodeValue, describe, type Where, Yaml } from '../lang/decode.ts'
import { Vaulted } from './ansible-yaml.ts'
import { Secret } from './host.ts'
import type { Variable } from './model.ts'

export type Lookup = (name: string) => Variable | undefined

/** Reads the first of its names that is set; undefined when none is. Throws ConfigError at the variable's place. */
export type KnownVariable<T> = (lookup: Lookup) => T | undefined

/**
 * Ansible lets the more special spelling win wherever it is set (`ansible_ssh_user` of a group beats the `ansible_user`
 * of a host): so the names stand with the strongest first. Values are remembered: hosts share their groups' variables.
 */
export function known<T>(
  names: readonly string[],
  read: (value: unknown, name: string, variable: Variable) => T,
): KnownVariable<T> {
  const remembered = new WeakMap<Variable, { readonly value: T | undefined }>()
  function readOnce(variable: Variable, name: string): T | undefined {
    const before = remembered.get(variable)
    if (before) return before.value
    const raw = variable.value
    refuseUnreadable(raw, name, variable.place)
    const value = raw === null || raw === undefined ? undefined : read(raw, name, variable)
    remembered.set(variable, { value })
    return value
  }
  return lookup => {
    for (const name of names) {
      const variable = lookup(name)
      const value = variable && readOnce(variable, name)
      if (value !== undefined) return value
    }
    return undefined
  }
}

/** Values that only Ansible could work out: Jinja, and vaults. */
export function refuseUnreadable(value: unknown, name: string, place: Place): void {
  if (typeof value === 'string') {
    if (!/\{\{|\{%|\{#/.test(value)) return
    throw new ConfigError(`expected a plain value for ${name}, got a Jinja expression, which ctfix does not evaluate`, {
      place,
    })
  }
  if (value instanceof Vaulted) {
    throw new ConfigError(
      `expected a plain value for ${name}, got an ansible-vault value, which ctfix cannot read yet`,
      { place },
    )
  }
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) refuseUnreadable(part, name, place)
}

/** One that a schema judges. */
export function typed<T>(names: readonly string[], schema: z.ZodType<T>): KnownVariable<T> {
  return known(names, (value, label, variable) => decodeValue(schema, value, { label, placeOf: placesIn(variable) }))
}

/** Finds the place of what is inside a variable, as far as its file is known. */
export function placesIn(variable: Variable): Where['placeOf'] {
  return (path, { key } = { key: false }) => {
    if (!(variable instanceof Yaml)) return variable.place
    const node = variable.at(path)
    return key ? node.keyPlace : node.place
  }
}

/** Never repeats what it got: it may be the password. */
export function secret(...names: readonly string[]): KnownVariable<Secret> {
  return known(names, (value, name, { place }) => {
    if (typeof value === 'string' || Number.isSafeInteger(value)) return new Secret(String(value))
    const got = typeof value === 'object' ? describe(value) : 'something else'
    throw new ConfigError(`expected text in quotes for ${name}, got ${got}`, { place })
  })
}

/** `~` is this user's home; a relative path starts where the file that says it is. */
export function path(...names: readonly string[]): KnownVariable<string> {
  return known(names, (value, name, { place }) => {
    if (typeof value !== 'string' || value === '' || /^~[^/]/.test(value)) {
      throw new ConfigError(`expected the path of a file for ${name}, got ${describe(value)}`, { place })
    }
    return value.startsWith('~') ? homedir() + value.slice(1) : resolve(dirname(place.file), value)
  })
}
