/**
 * Where the answers of a rule set may change: a range of ports, or a network, is cut at every border that some rule names.
 * Within a stretch every packet meets the same answers, so its first one stands for all.
 */
import { type AddressRange, networkText, parseNetwork } from './address.ts'
import type { Condition, PortRange } from './match.ts'
import { type Ruleset, rulesOf } from './ruleset.ts'

interface Borders {
  /** First ports of what rules name, and the first ones after; sorted. */
  readonly ports: readonly number[]
  readonly addresses: readonly { readonly family: 4 | 6; readonly value: bigint }[]
}

/** Several plans are made of one rule set, and it may have thousands of rules. */
const known = new WeakMap<Ruleset, Borders>()

/** The ranges, cut at the borders. In order, without gaps that were not there. */
export function portStretches(ruleset: Ruleset, ranges: readonly PortRange[]): PortRange[] {
  const { ports } = bordersOf(ruleset)
  return ranges.flatMap(({ from, to }) => {
    const starts = [from, ...ports.filter(port => port > from && port <= to)]
    return starts.map((start, i) => ({ from: start, to: (starts[i + 1] ?? to + 1) - 1 }))
  })
}

/** One address of each stretch of a network: `10.0.0.0/8` → `10.0.0.0`, `10.1.0.0`, `10.2.0.0`. None of what is no network. */
export function addressStretches(ruleset: Ruleset, network: string): string[] {
  const range = parseNetwork(network)
  if (!range) return []
  const { family, from, to } = range
  const inside = bordersOf(ruleset).addresses.filter(
    border => border.family === family && border.value > from && border.value <= to,
  )
  const values = [...new Set([from, ...inside.map(({ value }) => value)])]
  return values.map(value => networkText({ family, from: value, to: value }))
}

function bordersOf(ruleset: Ruleset): Borders {
  const found = known.get(ruleset) ?? collect(ruleset)
  known.set(ruleset, found)
  return found
}

function collect(ruleset: Ruleset): Borders {
  const ports = new Set<number>()
  const addresses = new Map<string, { family: 4 | 6; value: bigint }>()
  const conditions = rulesOf(ruleset).flatMap(({ matches }) => matches.map(({ condition }) => condition))
  for (const range of conditions.flatMap(portsOf)) ports.add(range.from).add(range.to + 1)
  for (const { family, from, to } of conditions.flatMap(addressesOf)) {
    for (const value of [from, to + 1n]) addresses.set(`${family} ${value}`, { family, value })
  }
  return { ports: [...ports].toSorted((a, b) => a - b), addresses: [...addresses.values()] }
}

const portsOf = (condition: Condition): readonly PortRange[] => (condition.is === 'port' ? condition.ranges : [])
const addressesOf = (condition: Condition): readonly AddressRange[] =>
  condition.is === 'address' ? condition.ranges : []

/** Neighbours become one: `80-80, 81-90` → `80-90`. In order. */
export function joined(ranges: readonly PortRange[]): PortRange[] {
  const whole: PortRange[] = []
  for (const { from, to } of ranges) {
    const last = whole.at(-1)
    if (last && last.to + 1 === from) whole[whole.length - 1] = { from: last.from, to }
    else whole.push({ from, to })
  }
  return whole
}
