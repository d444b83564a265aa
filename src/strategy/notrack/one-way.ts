/** Rules that untrack requests and not their answers, or the other way round: said, never touched. */
import type { Family } from '../../firewall/address.ts'
import { holdsPort } from '../../firewall/match.ts'
import { type Packet, type Way, waysOf } from '../../firewall/packet.ts'
import {
  type Chain,
  describePlace,
  placeOf,
  type Rule,
  type Ruleset,
  rulesOf,
  type Table,
} from '../../firewall/ruleset.ts'
import { ofFamily, samplesOf } from './sample.ts'

type Flow = ReturnType<typeof samplesOf>[number]

/** Connection tracking's own place: what stands behind it takes nothing out. */
const TRACKING = -200
/** What nobody answers, by the port it goes to: logs, traps, measures, tunnels. */
const UNANSWERED = [162, 514, 2055, 4739, 4789, 6081, 6343, 8125, 8472, 9995, 9996]

/** One sentence each. `forwards`: packets of others pass, and their answers come in by the same hook. */
export function oneWayNotrack(stripped: Ruleset, forwards: Readonly<Record<Family, boolean>>): string[] {
  const found = ([4, 6] as const).flatMap(family => {
    const raw = beforeTracking(ofFamily(stripped, family))
    const scene: Scene = { raw, family, forwards: forwards[family], chosen: chosenPort(raw) }
    return raw.tables.flatMap(table =>
      [...table.chains.values()].flatMap(chain =>
        chain.rules.filter(rule => isOneWay(rule, chain, scene)).map(at(table, chain)),
      ),
    )
  })
  return [...new Set(found)]
}

function at(table: Table, { name }: Chain): (rule: Rule) => string {
  return ({ line }) =>
    `${describePlace(placeOf(table, name, line))} untracks one direction only: each packet of the other makes half an entry of its own`
}

/** Nothing but the chains in which packets are taken out, and all that they lead to. */
function beforeTracking({ tables }: Ruleset): Ruleset {
  const isHere = ({ base }: Chain): boolean =>
    base === null || (['prerouting', 'output'].includes(base.hook) && base.priority < TRACKING)
  const chainsOf = ({ chains }: Table): Table['chains'] => new Map([...chains].filter(([, chain]) => isHere(chain)))
  return { tables: tables.map(table => ({ ...table, chains: chainsOf(table) })), complete: true }
}

interface Scene {
  readonly raw: Ruleset
  readonly family: Family
  readonly forwards: boolean
  /** The port of a client. */
  readonly chosen: number
}

/** Some packets of it are untracked for all anybody knows, and no answer to them is. */
function isOneWay(rule: Rule, { base }: Chain, { raw, family, forwards, chosen }: Scene): boolean {
  if (rule.verdict.is !== 'notrack') return false
  const directions = (['in', 'out'] as const).filter(
    direction => base === null || (base.hook === 'prerouting') === (direction === 'in'),
  )
  const waysFor = (flow: Flow, direction: Packet['direction']): Way[] => {
    const ports = { sourcePort: flow.sourcePort ?? chosen, destinationPort: flow.destinationPort ?? chosen }
    return waysOf(raw, { ...flow, ...ports, family, direction, tcpFlags: 'other', state: 'new' })
  }
  const mayBeUntracked = (ways: readonly Way[]): boolean => ways.some(({ untracked }) => untracked)
  return samplesOf(rule, family).some(flow =>
    directions.some(direction => {
      if (isUnanswered(flow) || !mayBeUntracked(waysFor(flow, direction))) return false
      const answers = answersTo(flow, direction, forwards).map(answer => waysFor(answer.flow, answer.direction))
      return !answers.some(mayBeUntracked) && answers.some(ways => ways.some(({ end }) => end === 'accepted'))
    }),
  )
}

/** Ports that a client's system may have chosen. */
const CHOSEN = [40_001, 50_003, 60_007, 34_567, 2_999]

/** One that rules do not name, so that it is no service; where they name them all, it is no matter which. */
function chosenPort(raw: Ruleset): number {
  const named = rulesOf(raw).flatMap(({ matches }) =>
    matches.flatMap(({ condition }) => (condition.is === 'port' ? condition.ranges : [])),
  )
  return CHOSEN.find(port => !holdsPort(named, port)) ?? CHOSEN[0] ?? 0
}

function isUnanswered({ protocol, destinationPort }: Flow): boolean {
  return protocol === 'udp' && destinationPort !== null && UNANSWERED.includes(destinationPort)
}

/** On a router they may come in as well as go out; of a tunnel both ends send to the same port. */
function answersTo(
  flow: Flow,
  direction: Packet['direction'],
  forwards: boolean,
): { readonly flow: Flow; readonly direction: Packet['direction'] }[] {
  const { protocol, source, destination, sourcePort, destinationPort } = flow
  const ends = { protocol, source: destination, destination: source }
  const back = { ...ends, sourcePort: destinationPort, destinationPort: sourcePort }
  const other = direction === 'in' ? 'out' : 'in'
  return [
    { flow: back, direction: other },
    ...(forwards && direction === 'in' ? [{ flow: back, direction: 'in' as const }] : []),
    ...(protocol === 'udp' ? [{ flow: { ...ends, sourcePort, destinationPort }, direction: other } as const] : []),
  ]
}
