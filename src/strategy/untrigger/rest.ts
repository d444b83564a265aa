/** What of the files that are edited would still bring a rule back: it asks for the same, and is no rule that stays. */
import type { RulesetText } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { linesOf } from '../../firewall/iptables-save.ts'
import { looseSpec, shortened } from '../../firewall/loose.ts'
import { nftText } from '../../firewall/nft-text.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { triggerKind } from '../../firewall/triggers-iptables.ts'
import { splitWords } from '../../firewall/words.ts'
import { isRecord } from '../../lang/record.ts'
import type { Name } from './names.ts'
import { bagOfWords, statementsOf, withDefined, writtenKind } from './written.ts'

/** What the rules that go asked for, by family: whatever a file says in whatever words, it may ask for that again. */
export type Kinds = ReadonlyMap<Family, ReadonlySet<string>>

export function kindsOf(names: readonly Name[]): Kinds {
  const kinds = new Map<Family, Set<string>>()
  for (const { of, families } of names) {
    const kind = of.by === 'iptables' ? triggerKind(of.spec) : writtenKind(of.text)
    for (const family of families) if (kind !== null) kinds.set(family, (kinds.get(family) ?? new Set()).add(kind))
  }
  return kinds
}

/** Rules that are live and stay, in every way in which a file may say them. */
export interface Stays {
  /** `4 nat POSTROUTING -o eth0 ; -j MASQUERADE`; `?` for a table that is not said. */
  readonly saves: ReadonlySet<string>
  /** `ip nat POSTROUTING eth0 masquerade oifname`; `?` for a chain that is not said. */
  readonly written: ReadonlySet<string>
}

export function staysOf(left: readonly Trigger[], ruleset: RulesetText | null): Stays {
  const listed = ruleset ? listedByNft(ruleset) : new Map<string, readonly (string | null)[]>()
  const saves = left.flatMap(({ rule }) => {
    if (rule === null || !('spec' in rule)) return []
    const spec = `${rule.chain} ${looseSpec(rule.spec, rule.family)}`
    return [`${rule.family} ${rule.table} ${spec}`, `${rule.family} ? ${spec}`]
  })
  const written = left.flatMap(({ place, line, position }) => {
    if (place.backend === 'iptables-legacy') return []
    // What iptables-nft calls its own nft lists as well, in words of its own where it was loaded from a file of nft.
    const said = place.backend === 'nft' ? line : (listed.get(homeOf(place))?.[position - 1] ?? null)
    return said === null ? [] : [`${homeOf(place)} ${bagOfWords(said)}`, `? ${bagOfWords(said)}`]
  })
  return { saves: new Set(saves), written: new Set(written) }
}

/** Rules as nft prints them, by their chain; null for those that it prints in a way not known here. */
export function listedByNft({ sources }: RulesetText): ReadonlyMap<string, readonly (string | null)[]> {
  const found = new Map<string, (string | null)[]>()
  for (const { rule } of sources.flatMap(({ format, text }) => (format === 'json' ? objectsOf(text) : []))) {
    if (!isRecord(rule) || !Array.isArray(rule.expr)) continue
    const home = `${String(rule.family)} ${String(rule.table)} ${String(rule.chain)}`
    found.set(home, [...(found.get(home) ?? []), nftText(rule.expr, rule.comment)])
  }
  return found
}

/** `ip nat POSTROUTING`. */
export const homeOf = ({ family, table, chain }: Name['of'] | Trigger['place']): string => {
  const name = family === 4 ? 'ip' : family === 6 ? 'ip6' : family
  return `${name} ${table} ${chain}`
}

export interface Line {
  readonly line: number
  readonly text: string
}

/** Lines of a save that ask for what one of these rules asked for, and are no rule that stays. */
export function leftInSave(text: string, family: Family, kinds: Kinds, stays: Stays): Line[] {
  let table = ''
  return linesOf(text).flatMap((line, at): Line[] => {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const said = /^\s*(?:\[\d+:\d+\]\s*)?(?:-[AI]|--append|--insert)\s+(\S+)\s+(?:\d+\s+)?(.*)$/s.exec(line)
    const [, chain = '', rest = ''] = said ?? []
    const spec = shortened(splitWords(rest))
    const kind = said ? triggerKind(spec) : null
    const isLeft =
      kind !== null &&
      kinds.get(family)?.has(kind) === true &&
      !stays.saves.has(`${family} ${table} ${chain} ${looseSpec(spec, family)}`)
    return isLeft ? [{ line: at + 1, text: line.trim() }] : []
  })
}

/** The same in a file of nft. */
export function leftInWritten(text: string, kinds: Kinds, stays: Stays): Line[] {
  const statements = statementsOf(text)
  return statements.flatMap(({ home, text: said, line }) => {
    const kind = home === null ? null : writtenKind(said)
    const asks = kind !== null && familiesAt(home).some(family => kinds.get(family)?.has(kind))
    return asks && !stays.written.has(`${home} ${bagOfWords(withDefined(said, statements))}`)
      ? [{ line, text: said }]
      : []
  })
}

/** Of what stands in `ip nat postrouting`; of both where nobody says. */
export function familiesAt(home: string | null): readonly Family[] {
  const family = home?.split(' ')[0]
  return family === 'ip' ? [4] : family === 'ip6' ? [6] : [4, 6]
}
