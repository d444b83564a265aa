/** All rules of a save without states: what becomes of each, in the eyes of the chain it stands in. */
import type { Facts } from '../../facts/facts.ts'
import { type Family, networkText, parseAddress } from '../../firewall/address.ts'
import { linesOf } from '../../firewall/iptables-save.ts'
import { canonicalWords, joinWords } from '../../firewall/words.ts'
import type { Options } from './options.ts'
import { isDenied, partsOf, rulesIn, type SavedRule } from './parts.ts'
import { type Outcome, type Scene, type Way, withoutState } from './stateless.ts'

export interface Converted {
  readonly rule: SavedRule
  readonly outcome: Exclude<Outcome, { is: 'same' }>
}

/** Whose answers are let in, and what for. */
export interface Declared {
  readonly servers: readonly { readonly address: string; readonly port: number }[]
  readonly passiveFtp: string | null
}

/** By the options, and where they are silent by what this host itself asks. */
export function declaredOf({ resolvers, time_servers: clocks, passive_ftp }: Options, facts: Facts): Declared {
  const { resolvers: names = [], timeServers: times = [] } = facts.tracking ?? {}
  const given = (asked: readonly string[], found: readonly string[], port: number): Declared['servers'] =>
    (asked.length > 0 ? asked : found.flatMap(plainAddress)).map(address => ({ address, port }))
  return {
    servers: [...given(resolvers, names, 53), ...given(clocks, times, 123)],
    passiveFtp: passive_ftp,
  }
}

function plainAddress(text: string): string[] {
  const address = parseAddress(text)
  // Who answers on this machine itself comes by `lo`.
  if (!address || /^(127\.|::1$)/.test(text)) return []
  return [networkText({ family: address.family, from: address.value, to: address.value })]
}

/**
 * What changes in one family's save; rules that stay are left out. Of rules that come to the same in one chain the first
 * is made, and none where one stands further down already and nothing in between drops a packet.
 */
export function convertRules(text: string, family: Family, { servers, passiveFtp }: Declared): Converted[] {
  const rules = rulesIn(text)
  const ways = waysOf(rules)
  const about = {
    ...{ family, passiveFtp, served: servedPorts(rules) },
    servers: servers.filter(({ address }) => address.includes(':') === (family === 6)).map(whole(family)),
  }
  const outcomes = rules.map(rule => {
    const scene: Scene = { ...about, ways: ways.get(`${rule.table} ${rule.chain}`) ?? ['in'] }
    return { rule, outcome: withoutState(rule, scene) }
  })
  const name = ({ table, chain }: SavedRule, words: readonly string[]): string =>
    joinWords([table, chain, ...canonicalWords(words, family)])
  const kept = new Map<string, number>()
  for (const { rule, outcome } of outcomes.toReversed()) {
    if (outcome.is === 'same') kept.set(name(rule, rule.words), rule.position)
  }
  const made = new Set<string>()
  return outcomes.flatMap(({ rule, outcome }): Converted[] => {
    if (outcome.is !== 'instead') return outcome.is === 'same' ? [] : [{ rule, outcome }]
    const there = outcome.rules.flatMap(words => kept.get(name(rule, words)) ?? [])
    const drops =
      there.length > 0 &&
      outcomes.some(
        other =>
          other.rule.table === rule.table &&
          other.rule.chain === rule.chain &&
          there.some(position => isBetween(other.rule.position, rule.position, position)) &&
          other.outcome.is === 'same' &&
          !letsPass(other.rule),
      )
    // Of two equal rules only the later could be taken out again, so the way back would not be the way here.
    const because = 'what would take its place stands further down in its chain, behind a rule that may drop packets'
    if (drops) return [{ rule, outcome: { is: 'refused', because } }]
    const fresh = outcome.rules.filter(words => !made.has(name(rule, words)) && !kept.has(name(rule, words)))
    for (const words of fresh) made.add(name(rule, words))
    return [{ rule, outcome: { ...outcome, rules: fresh } }]
  })
}

/** Further up is as good. */
const isBetween = (place: number, first: number, last: number): boolean => place > first && place < last

function letsPass({ words }: SavedRule): boolean {
  const target = words[words.findIndex(word => word === '-j' || word === '-g') + 1]
  return target === 'ACCEPT' || target === 'LOG'
}

/** As a save prints a single address. */
const whole =
  (family: Family) =>
  ({ address, port }: Declared['servers'][number]): Declared['servers'][number] => ({
    address: address.includes('/') ? address : `${address}/${family === 4 ? 32 : 128}`,
    port,
  })

/** The save with these conversions; what is refused, and every other line, stays as it is. */
export function edited(text: string, found: readonly Converted[]): string {
  const placed = new Map(found.map(({ rule, outcome }) => [rule.at, { rule, outcome }]))
  const lines = linesOf(text).flatMap((line, at) => {
    const here = placed.get(at)
    if (here?.outcome.is !== 'instead') return [line]
    const counters = line.startsWith('[') ? '[0:0] ' : ''
    return here.outcome.rules.map(words => `${counters}-A ${here.rule.chain} ${joinWords(words)}`)
  })
  return lines.join('\n')
}

/** By which built-in chains packets get to each; FORWARD tells nothing of this host's own. */
function waysOf(rules: readonly SavedRule[]): Map<string, readonly Way[]> {
  const ways = new Map<string, readonly Way[]>()
  const leads = new Map<string, Set<string>>()
  for (const { table, chain, words } of rules) {
    const next = words[words.findIndex(word => word === '-j' || word === '-g') + 1] ?? ''
    const from = leads.get(`${table} ${chain}`) ?? new Set()
    leads.set(`${table} ${chain}`, from.add(`${table} ${next}`))
  }
  const visit = (chain: string, way: Way): void => {
    const known = ways.get(chain) ?? []
    if (known.includes(way)) return
    ways.set(chain, [...known, way])
    // What is no chain leads nowhere.
    for (const next of leads.get(chain) ?? []) if (leads.has(next)) visit(next, way)
  }
  for (const table of new Set(rules.map(({ table }) => table))) {
    visit(`${table} INPUT`, 'in')
    visit(`${table} OUTPUT`, 'out')
  }
  return ways
}

/** UDP ports that rules let in by number: their answers leave from there. */
function servedPorts(rules: readonly SavedRule[]): string[][] {
  return rules.flatMap(({ table, chain, words }) => {
    const parts = partsOf(words)
    if (table !== 'filter' || chain === 'OUTPUT' || chain === 'FORWARD' || parts?.verdict[1] !== 'ACCEPT') return []
    if (parts.base.protocol?.at(-1) !== 'udp' || isDenied(parts.base.protocol)) return []
    const at = parts.asks.findIndex(word => word === '--dport' || word === '--dports')
    const [option, ports] = [parts.asks[at], parts.asks[at + 1]]
    if (option === undefined || ports === undefined || parts.asks[at - 1] === '!') return []
    return [option === '--dport' ? ['--sport', ports] : ['-m', 'multiport', '--sports', ports]]
  })
}
