/** The rules of a chain that a packet must be held against: in a long one most ask for a port that is not its own. */
import type { Match } from './match.ts'
import type { Chain, Rule } from './ruleset.ts'

/** Shorter chains are walked as they are: an index would cost more than it saves. */
const SHORT = 64
/** A rule of more ports than that is asked itself. */
const FEW = 16

interface Index {
  /** Places of the rules that ask for this port and no more than a few others. */
  readonly byPort: ReadonlyMap<number, readonly number[]>
  /** Places of all other rules. */
  readonly others: readonly number[]
  readonly found: Map<number, readonly Rule[]>
}

const indexes = new WeakMap<Chain, Index>()

/** Rules that may be for a packet to this port, in their order; all of them where it has none that is known. */
export function rulesFor(chain: Chain, port: number | null): readonly Rule[] {
  if (port === null || chain.rules.length < SHORT) return chain.rules
  const index = indexes.get(chain) ?? indexOf(chain)
  indexes.set(chain, index)
  const rules = index.found.get(port) ?? pick(chain, [...index.others, ...(index.byPort.get(port) ?? [])])
  index.found.set(port, rules)
  return rules
}

function pick({ rules }: Chain, places: readonly number[]): readonly Rule[] {
  return places.toSorted((a, b) => a - b).flatMap(place => rules[place] ?? [])
}

function indexOf({ rules }: Chain): Index {
  const byPort = new Map<number, number[]>()
  const others: number[] = []
  for (const [place, { matches }] of rules.entries()) {
    const ports = portsOf(matches)
    if (ports === null) others.push(place)
    for (const port of new Set(ports)) {
      const places = byPort.get(port)
      if (places) places.push(place)
      else byPort.set(port, [place])
    }
  }
  return { byPort, others, found: new Map() }
}

/** The destination ports that a rule is for; null where it does not say, or names many. */
function portsOf(matches: readonly Match[]): number[] | null {
  for (const { condition, not } of matches) {
    if (not || condition.is !== 'port' || condition.side !== 'destination') continue
    const count = condition.ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    if (count > FEW) continue
    return condition.ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
  }
  return null
}
