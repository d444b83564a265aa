/** From flags, playbook and inventory to what is wanted of each host; every mistake in it ends here, no host touched. */
import { z } from 'zod'
import { auto } from '../diagnose/auto.ts'
import { ConfigError, UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Inventory } from '../inventory/index.ts'
import { placesIn } from '../inventory/known-variable.ts'
import type { Play } from '../inventory/playbook.ts'
import { decodeValue, type Where } from '../lang/decode.ts'
import { isRecord } from '../lang/record.ts'
import type { Step, Task } from '../plan/plan.ts'
import { strategies } from '../strategy/index.ts'
import type { Strategy } from '../strategy/strategy.ts'
import { unknownWord, type WhatOptions } from './options.ts'
import { parseSet } from './set.ts'

export type TaskOf = (host: Host) => Task

type Options = Readonly<Record<string, unknown>>

/** Options as they were given, and where. */
interface Given {
  /** For each strategy that has an option of the name. */
  readonly bare: Options
  /** For one strategy each, by its name; they win over the bare ones. */
  readonly own: ReadonlyMap<string, Options>
  readonly placeOf: Where['placeOf']
}

/** What may be wanted: a strategy, or whatever the diagnosis of each host recommends. */
const KNOWN: readonly Strategy[] = [...strategies, auto]
const NAMES = KNOWN.map(({ name }) => name)

/** The task of each host: from --strategy, else from the inventory's ctfix_strategy and ctfix_options. */
export function tasksFromFlags(what: WhatOptions, inventory: Pick<Inventory, 'variables'>): TaskOf {
  const force = what.force === true
  if (what.strategy) {
    const task = { steps: stepsBySet(what.strategy.map(find), what.set), force }
    return () => task
  }
  return host => ({ steps: stepsOfHost(host, inventory), force })
}

function stepsOfHost({ name, strategy, options, place }: Host, inventory: Pick<Inventory, 'variables'>): Step[] {
  if (strategy === null) {
    throw new UsageError(`nothing to do for ${name}: give --strategy, --playbook, or ctfix_strategy in the inventory`)
  }
  const placesOf = (variable: string): Where['placeOf'] => {
    // Only an error asks, and a fleet has many hosts.
    return (path, what) => placesIn(inventory.variables(name).get(variable) ?? { value: null, place })(path, what)
  }
  const found = strategy.map(known => findAt(known, placesOf('ctfix_strategy')))
  return makeSteps(found, givenByMapping(options, found, placesOf('ctfix_options')))
}

/** What a play wants of each of its hosts. */
export function stepsOfPlay({ strategy, options, placeOf }: Play): Step[] {
  const found = strategy.map(name => findAt(name, () => placeOf(['strategy'])))
  return makeSteps(
    found,
    givenByMapping(options, found, (path, what) => placeOf(['options', ...path], what)),
  )
}

/** Looks a strategy up by its name. */
export function find(name: string): Strategy {
  const strategy = KNOWN.find(candidate => candidate.name === name)
  if (strategy) return strategy
  throw new UsageError(unknownWord('a strategy', name, NAMES))
}

function findAt(name: string, placeOf: Where['placeOf']): Strategy {
  if (NAMES.includes(name)) return find(name)
  throw new ConfigError(unknownWord('a strategy', name, NAMES), { place: placeOf([]) })
}

/** Decodes the options once, so that nothing about them can fail once hosts are worked on. */
export function step(strategy: Strategy, options: Options, placeOf: Where['placeOf']): Step {
  decodeValue(strategy.options, options, { label: strategy.name, placeOf })
  return { strategy, options }
}

/** Names of a strategy's options. */
export function optionNames(strategy: Strategy): string[] {
  return strategy.options instanceof z.ZodObject ? Object.keys(strategy.options.shape) : []
}

function stepsBySet(among: readonly Strategy[], set: readonly string[]): Step[] {
  const bare: Record<string, unknown> = {}
  const own = new Map<string, Record<string, unknown>>()
  for (const { strategy, key, value } of set.map(parseSet)) {
    const to = strategy === null ? bare : (own.get(strategy) ?? {})
    const knowing = among.filter(({ name }) => strategy === null || strategy === name)
    // Of two values for one thing the last one holds; those of a list add up.
    to[key] = Object.hasOwn(to, key) && knowing.some(one => takesList(one, key)) ? [to[key], value].flat() : value
    if (strategy !== null) own.set(strategy, to)
  }
  return makeSteps(among, { bare, own, placeOf: () => ({ file: '--set' }) })
}

/** True where the option may hold several: then none at all is a list, too. */
function takesList({ options }: Strategy, key: string): boolean {
  const option: unknown = options instanceof z.ZodObject ? options.shape[key] : undefined
  return option instanceof z.ZodType && option.safeParse([]).success
}

/** In a mapping a key that is the name of one of the strategies, and holds a mapping, holds the options of that one. */
function givenByMapping(options: Options, among: readonly Strategy[], placeOf: Where['placeOf']): Given {
  const entries = Object.entries(options)
  const own = entries.flatMap(([key, value]): [string, Options][] =>
    among.some(({ name }) => name === key) && isRecord(value) ? [[key, value]] : [],
  )
  const bare = entries.filter(([key]) => !own.some(([name]) => name === key))
  return { bare: Object.fromEntries(bare), own: new Map(own), placeOf }
}

/** The steps of these strategies; every option must have found one that knows it. */
function makeSteps(among: readonly Strategy[], given: Given): Step[] {
  refuseUnknown(among, given)
  return [...new Set(among)].map(strategy => {
    const names = optionNames(strategy)
    const own = given.own.get(strategy.name) ?? {}
    const options = {
      ...Object.fromEntries(Object.entries(given.bare).filter(([key]) => names.includes(key))),
      ...own,
    }
    return step(strategy, options, (path, what) =>
      given.placeOf(path[0] !== undefined && path[0] in own ? [strategy.name, ...path] : path, what),
    )
  })
}

function refuseUnknown(among: readonly Strategy[], { bare, own, placeOf }: Given): void {
  const refuse = (what: string, path: readonly string[], known: readonly string[]): never => {
    throw new ConfigError(unknownWord(what, path.at(-1) ?? '', known), { place: placeOf(path, { key: true }) })
  }
  const names = among.map(({ name }) => name)
  for (const [name, options] of own) {
    const strategy = among.find(candidate => candidate.name === name)
    if (!strategy) throw new ConfigError(unknownWord('one of the strategies', name, names), { place: placeOf([name]) })
    const known = optionNames(strategy)
    for (const key of Object.keys(options)) {
      if (!known.includes(key)) refuse(`an option of ${name}`, [name, key], known)
    }
  }
  const known = [...new Set(among.flatMap(optionNames))]
  for (const key of Object.keys(bare)) {
    if (known.includes(key)) continue
    if (NAMES.includes(key) && !names.includes(key)) {
      const message = `expected options of ${names.join(' or ')}, got those of ${key}, which is not among the strategies`
      throw new ConfigError(message, { place: placeOf([key], { key: true }) })
    }
    refuse(`an option of ${names.join(' or ')}`, [key], known)
  }
}
