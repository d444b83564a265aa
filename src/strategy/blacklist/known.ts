/** Whether anybody knows which file brings the live rules back: at boot, and when a service that stopped starts again. */
import type { Facts, RulesetSource } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { linesOf } from '../../firewall/iptables-save.ts'
import { looseSpec } from '../../firewall/loose.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import { familyName } from '../../firewall/rule-state.ts'
import { type Place, placeOf } from '../../firewall/ruleset.ts'
import { splitWords } from '../../firewall/words.ts'
import { isRecord } from '../../lang/record.ts'
import { contentOf } from '../edits.ts'
import { SAVES } from '../saved-files.ts'
import type { Blocker } from '../strategy.ts'
import { emptiedBlockers } from './emptied.ts'
import { lineOf } from './live.ts'
import { liveNeeds } from './needs.ts'
import { rulesIn, type SavedRule } from './parts.ts'
import { asks } from './saved.ts'
import { isTaken, type Service } from './services.ts'

/** The same for whoever wrote it: files have another order of words than what the kernel gives back. */
const spelt = (family: Family, { table, chain, words }: Omit<SavedRule, 'at' | 'position'>): string =>
  `${table} ${chain} ${looseSpec(words, family)}`

/**
 * Live rules of which nobody knows what boot loads for them: a file that was not looked at may still ask for states, and
 * would then fail as a whole. Where they ask for none themselves, that file most likely does not either.
 */
export function unknownBlockers(facts: Facts, stopped: readonly Service[]): Blocker[] {
  const live = (facts.ruleset?.sources ?? []).flatMap(source =>
    source.format === 'json' ? unknownNft(facts, source, stopped) : unknownSave(facts, source, stopped),
  )
  return [...live, ...emptiedBlockers(facts)]
}

function blocker(where: string, asking: boolean): Blocker {
  const message = `no file that boot loads was found to hold the live rules of ${where}: what brings them back may ask for states, and would then be refused as a whole; keep them with netfilter-persistent, iptables-services or nftables.conf first`
  return { code: 'saved-unknown', message, forceable: !asking }
}

function unknownSave(facts: Facts, source: RulesetSource, stopped: readonly Service[]): Blocker[] {
  const { backend, family, text } = source
  if (family === null || backend === 'nft') return []
  const left = rulesIn(text).filter(rule => {
    const place = placeOf({ backend, family: familyName(family), name: rule.table }, rule.chain, lineOf(rule))
    return !isTaken(stopped, place, false)
  })
  const saved = new Set(savedRulesOf(facts, family))
  const tables = [...new Set(left.map(({ table }) => table))]
  return tables.flatMap(table => {
    const here = left.filter(rule => rule.table === table)
    const asking = here.filter(({ words }) => asks(words) || table === 'nat')
    const known =
      asking.length > 0
        ? asking.every(rule => saved.has(spelt(family, rule)) || saved.has(anyTable(family, rule)))
        : hasFile(facts, family, table)
    return known ? [] : [blocker(`${backend} ${familyName(family)} ${table}`, asking.length > 0)]
  })
}

/** Lines of files that were not read whole tell no table. */
const anyTable = (family: Family, rule: SavedRule): string => spelt(family, { ...rule, table: '?' })

/** By the files that were read whole, and by the lines about states of all others. */
function savedRulesOf(facts: Facts, family: Family): string[] {
  const { savedRules = [], savedUntracking = [] } = facts.tracking ?? {}
  const whole = savesOf(facts, family).flatMap(text => rulesIn(text).map(rule => spelt(family, rule)))
  const lines = [...savedRules, ...savedUntracking].flatMap(({ text }) => {
    const [, chain, words = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) (.*)$/.exec(text) ?? []
    return chain === undefined ? [] : [spelt(family, { table: '?', chain, words: splitWords(words) })]
  })
  return [...whole, ...lines]
}

function savesOf(facts: Facts, family: Family): string[] {
  return Object.entries(SAVES).flatMap(([path, of]) => {
    const text = of === family ? contentOf(facts, path) : null
    return text === null ? [] : [text]
  })
}

/** Files of one family have a name that says so; what nft reads may be of both. */
const OF_SIX = /6/

function hasFile(facts: Facts, family: Family, table: string): boolean {
  const whole = savesOf(facts, family).some(text => linesOf(text).some(line => line.trim() === `*${table}`))
  const seen = (facts.tracking?.savedSeen ?? []).filter(path => !(path in SAVES))
  return whole || seen.some(path => !/nft/.test(path) && OF_SIX.test(path) === (family === 6))
}

function unknownNft(facts: Facts, { text }: RulesetSource, stopped: readonly Service[]): Blocker[] {
  const { savedSeen = [], savedRules = [] } = facts.tracking ?? {}
  const contents = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf'].flatMap(path => contentOf(facts, path) ?? [])
  const others = [...savedSeen, ...savedRules.map(({ file }) => file)].some(
    path => path.includes('nft') && contentOf(facts, path) === null,
  )
  const needs = facts.ruleset ? liveNeeds(facts.ruleset) : []
  const places = objectsOf(text).flatMap(({ rule }) => {
    if (!isRecord(rule)) return []
    return [placeOf({ backend: 'nft', family: String(rule.family), name: String(rule.table) }, String(rule.chain), '')]
  })
  const tables = new Map(places.map(place => [`${place.family} ${place.table}`, place]))
  return [...tables].flatMap(([where, place]) => {
    const known = others || contents.some(file => file.includes(place.table) || /^\s*include\b/m.test(file))
    if (known || isTaken(stopped, place, false) || isOfIptables(facts, place)) return []
    const asking = needs.some(need => need.place.family === place.family && need.place.table === place.table)
    return [blocker(`nft ${where}`, asking)]
  })
}

/** The backend of iptables that keeps its tables with nft's: they are in both lists. */
function isOfIptables({ ruleset }: Facts, { family, table }: Pick<Place, 'family' | 'table'>): boolean {
  const saves = ruleset?.sources.filter(source => source.backend === 'iptables-nft' && source.family !== null) ?? []
  return saves.some(
    source =>
      familyName(source.family ?? 4) === family && linesOf(source.text).some(line => line.trim() === `*${table}`),
  )
}

/** Where a service keeps what its start loads, by family. */
const FILES: Readonly<Record<string, readonly (readonly [Family, string])[]>> = {
  iptables: [
    [4, '/etc/sysconfig/iptables'],
    [4, '/etc/iptables/rules-save'],
  ],
  ip6tables: [
    [6, '/etc/sysconfig/ip6tables'],
    [6, '/etc/iptables/rules6-save'],
  ],
  'netfilter-persistent': [
    [4, '/etc/iptables/rules.v4'],
    [6, '/etc/iptables/rules.v6'],
  ],
}

/** The way back starts a service again, which loads its file: live rules that are in no file are gone for good. */
export function differBlockers(facts: Facts, stopped: readonly Service[], now: boolean): Blocker[] {
  const running = stopped.filter(service => now && service.running && service.name !== 'firewalld')
  return running.flatMap(({ name }) => {
    const files = FILES[name === 'iptables-persistent' ? 'netfilter-persistent' : name]?.flatMap(([family, path]) => {
      const content = contentOf(facts, path)
      return content === null ? [] : [{ family, path, content }]
    })
    const says = (what: string): Blocker[] => [
      {
        code: 'live-differs',
        message: `${what}; the way back starts ${name}, which loads its file and not what is live now: save the live rules first`,
        forceable: true,
      },
    ]
    if (!files?.length) return says(`what is live cannot be compared with what ${name} loads`)
    return files.flatMap(({ family, path, content }) =>
      liveTables(facts, family) === tablesOf(content, family) ? [] : says(`live rules differ from ${path}`),
    )
  })
}

/** Firewalld keeps two sets, and only it can tell whether they are the same. */
export function differWarnings(stopped: readonly Service[], now: boolean): string[] {
  return stopped.some(({ name, running }) => now && running && name === 'firewalld')
    ? ['the way back starts firewalld with its permanent settings: what was set at runtime alone is lost']
    : []
}

function liveTables({ ruleset }: Facts, family: Family): string {
  const saves = ruleset?.sources.filter(source => source.format === 'save' && source.family === family) ?? []
  return tablesOf(saves.map(({ text }) => text).join('\n'), family)
}

/** Rules and policies of a save, chain by chain; without what says nothing: empty chains that accept, and counters. */
function tablesOf(text: string, family: Family): string {
  const rules = new Map<string, string[]>()
  let table = ''
  for (const line of linesOf(text)) {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const [, chain, policy = '-'] = /^:(\S+) (\S+)/.exec(line) ?? []
    if (chain !== undefined && policy !== 'ACCEPT' && policy !== '-') rules.set(`${table} ${chain}`, [policy])
  }
  for (const rule of rulesIn(text)) {
    const chain = `${rule.table} ${rule.chain}`
    rules.set(chain, [...(rules.get(chain) ?? []), spelt(family, rule)])
  }
  return [...rules.values()]
    .map(lines => lines.join('\n'))
    .toSorted()
    .join('\n\n')
}
