/** Everything untracked is let in, and packets become untracked by what anybody can choose: said, never touched. */
import type { Family } from '../../firewall/address.ts'
import { judge, type Packet, waysOf } from '../../firewall/packet.ts'
import {
  type Chain,
  describePlace,
  type Place,
  placeOf,
  type Rule,
  type Ruleset,
  rulesOf,
  type Table,
} from '../../firewall/ruleset.ts'
import { ofFamily, samplesOf } from './sample.ts'

/** A port that nobody serves. */
const SHUT = 1
/** One hole is enough to say, and each try is a walk through all rules. */
const MOST_FLOWS = 16
const MOST_DOORS = 4
const MOST_PORTS = 4

/** One sentence each. What cannot be said for certain is not said. */
export function blanketUntracked(stripped: Ruleset): string[] {
  return ([4, 6] as const).flatMap(family => holesIn(ofFamily(stripped, family), family))
}

function holesIn(mine: Ruleset, family: Family): string[] {
  const tracked = changed(mine, rule => rule.verdict.is !== 'notrack')
  const [accept] = placesOf(mine, letsInUntracked)
  const flows = placesOf(mine, ({ verdict }) => verdict.is === 'notrack')
    .flatMap(({ rule, place }) => samplesOf(rule, family).map(flow => ({ ...flow, place })))
    // Whom a rule names is somebody its maker knows, and so is the port it untracks.
    .filter(({ source, destinationPort }) => source === null && destinationPort === null)
  if (!accept || flows.length === 0) return []
  const found = flows.slice(0, MOST_FLOWS).flatMap(({ place, ...flow }) => {
    const packet = (destinationPort: number): Packet => ({
      ...{ ...flow, family, direction: 'in', destinationPort, tcpFlags: 'syn', state: 'new', translated: false },
    })
    const isHole = doorsOf(mine).some(door =>
      shutPorts(mine).some(port => {
        const ways = waysOf(mine, packet(port), door)
        const isOpen = ways.length > 0 && ways.every(({ end, untracked }) => end === 'accepted' && untracked)
        return isOpen && judge(waysOf(tracked, packet(port), door)).is === 'dropped'
      }),
    )
    const who = flow.sourcePort === null ? 'whoever sends' : `whoever sends from ${flow.protocol} ${flow.sourcePort}`
    const how = flow.sourcePort === null ? 'whatever comes' : 'by source port'
    const untracks = `${describePlace(place)} untracks ${how}`
    return isHole
      ? [
          `IPv${family}: ${describePlace(accept.place)} lets in everything untracked, and ${untracks}: ${who} reaches every port`,
        ]
      : []
  })
  return [...new Set(found)]
}

/** Also of one card or one protocol, or in a chain of its own: the walk finds out whom. */
function letsInUntracked({ verdict, matches }: Rule): boolean {
  return (
    verdict.is === 'accept' &&
    matches.some(({ condition, not }) => condition.is === 'state' && condition.states.includes('untracked') !== not)
  )
}

function placesOf({ tables }: Ruleset, isIt: (rule: Rule) => boolean): { rule: Rule; place: Place }[] {
  return tables.flatMap(table =>
    [...table.chains.values()].flatMap(({ name, rules }) =>
      rules.filter(isIt).map(rule => ({ rule, place: placeOf(table, name, rule.line) })),
    ),
  )
}

function changed({ tables, complete }: Ruleset, keeps: (rule: Rule) => boolean): Ruleset {
  const kept = (chain: Chain): Chain => ({ ...chain, rules: chain.rules.filter(keeps) })
  const chainsOf = ({ chains }: Table): Table['chains'] =>
    new Map([...chains].map(([name, chain]) => [name, kept(chain)]))
  return { complete, tables: tables.map(table => ({ ...table, chains: chainsOf(table) })) }
}

/** The cards that rules name, one at a time, and one that none names: a hole by one of them is a hole. */
function doorsOf(mine: Ruleset): ReadonlyMap<string, boolean>[] {
  const names = rulesOf(mine).flatMap(({ matches }) =>
    matches.flatMap(({ condition }) =>
      condition.is === 'interface' && condition.way === 'in' && !['lo', '*'].includes(condition.name)
        ? condition.name
        : [],
    ),
  )
  const known = [...new Set(names)]
  return [null, ...known.slice(0, MOST_DOORS)].map(
    open => new Map(known.map(name => [`in by ${name}`, open !== null && isNamed(open, name)])),
  )
}

/** `eth*` is eth0, too. */
function isNamed(card: string, name: string): boolean {
  return name.endsWith('*') ? card.startsWith(name.slice(0, -1)) : card === name
}

/** One that no rule names, and some that rules keep shut where all else is open. */
function shutPorts(mine: Ruleset): number[] {
  const dropped = rulesOf(mine).flatMap(({ verdict, matches }) =>
    matches.flatMap(({ condition, not }) =>
      verdict.is === 'drop' && !not && condition.is === 'port' && condition.side === 'destination'
        ? condition.ranges.map(({ from }) => from)
        : [],
    ),
  )
  return [SHUT, ...new Set(dropped.slice(0, MOST_PORTS))]
}
