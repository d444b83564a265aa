/** What is decided on the rules that a boot restores: they may be others than the live ones, and stricter. */
import type { Facts, RulesetSource } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { Chain, Ruleset, Table } from '../../firewall/ruleset.ts'
import { stripSave } from '../../firewall/strip.ts'
import { contentOf } from '../edits.ts'
import type { Blocker } from '../strategy.ts'
import type { Decision } from './decide.ts'
import { type Home, SAVED, spellingOf } from './home.ts'
import { type Piece, piecesOf } from './live-iptables.ts'

interface Live {
  /** The live rules without ours. */
  readonly stripped: Ruleset
  readonly pieces: readonly Piece[]
  readonly decisions: ReadonlyMap<Family, Decision>
}

/**
 * The pieces for what keeps the rules: those of the live rules, but for a saved rule set that differs from them, which gets
 * what `decideOn` says of it. What stands in the way there only is said as `saved-differs`.
 */
export function savedPieces(
  facts: Facts,
  home: Extract<Home, { by: 'iptables' }>,
  { stripped, pieces, decisions }: Live,
  decideOn: (now: Ruleset, family: Family) => Decision,
): { readonly pieces: readonly Piece[]; readonly blockers: readonly Blocker[] } {
  const { keeper } = home
  if (keeper === 'ufw' || keeper === 'own') return { pieces, blockers: [] }
  const parts = [...decisions].map(([family, live]) => {
    const path = SAVED[keeper][family]
    const boot = afterBoot(stripped, contentOf(facts, path), home, family)
    if (!boot) return { pieces: pieces.filter(({ state }) => state.family === family), blockers: [] }
    const decision = decideOn(boot, family)
    return {
      pieces: piecesOf(decision.rules, home, spellingOf(facts, family), boot),
      blockers: decision.blockers
        .filter(({ message }) => !live.blockers.some(known => known.message === message))
        .map(({ message }) => ({
          code: 'saved-differs',
          message: `by the rules in ${path}: ${message}`,
          forceable: true,
        })),
    }
  })
  return { pieces: parts.flatMap(part => part.pieces), blockers: parts.flatMap(({ blockers }) => blockers) }
}

/**
 * The rules once the file is loaded: it replaces the tables that it has rules for, and no others. null where it changes none.
 * A table without any may be one that we made for our own.
 */
function afterBoot(
  live: Ruleset,
  text: string | null,
  { backend }: Extract<Home, { by: 'iptables' }>,
  family: Family,
): Ruleset | null {
  if (text === null) return null
  const source: RulesetSource = { backend, family, format: 'save', text: stripSave(text) }
  const saved = readRuleset({ sources: [source], complete: true }).tables.filter(table => chainsOf(table).length > 0)
  const isOurs = (table: Table): boolean => table.backend === backend && table.family === (family === 4 ? 'ip' : 'ip6')
  const known = (name: string): Table | undefined => live.tables.find(table => isOurs(table) && table.name === name)
  if (saved.every(table => isSame(chainsOf(table), chainsOf(known(table.name))))) return null
  const kept = live.tables.filter(table => !isOurs(table) || saved.every(({ name }) => name !== table.name))
  return { ...live, tables: [...saved, ...kept] }
}

/** The chains of a table that do anything, in one order. */
function chainsOf(table: Table | undefined): Chain[] {
  const chains = [...(table?.chains.values() ?? [])]
  return chains
    .filter(({ base, rules }) => rules.length > 0 || base?.policy === 'drop')
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function isSame(one: readonly Chain[], other: readonly Chain[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ name, base, rules }, i) => {
      const { name: called, base: known, rules: there = [] } = other[i] ?? {}
      const isSameRules = rules.length === there.length && rules.every(({ line }, at) => line === there[at]?.line)
      return name === called && base?.policy === known?.policy && isSameRules
    })
  )
}
