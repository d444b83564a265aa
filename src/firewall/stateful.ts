/** Which rules of a chain judge packets by what tracking says of them, and where a rule of ours must stand to come before. */
import type { Chain, Rule, Ruleset, Table } from './ruleset.ts'

/** Index of the first rule of the chain that asks for the state, itself or in a chain it leads to; null when none does. */
export function firstStateful(table: Table, chain: Chain): number | null {
  const at = chain.rules.findIndex(rule => asksState(table, rule, new Set()))
  return at === -1 ? null : at
}

function asksState(table: Table, { matches, verdict }: Rule, seen: Set<string>): boolean {
  if (matches.some(({ condition }) => condition.is === 'state')) return true
  if (verdict.is !== 'jump' && verdict.is !== 'goto') return false
  if (seen.has(verdict.chain)) return false
  seen.add(verdict.chain)
  return table.chains.get(verdict.chain)?.rules.some(rule => asksState(table, rule, seen)) ?? false
}

/** A base chain that judges by state: where an accept of untracked packets has to stand. */
export interface Judge {
  readonly table: Table
  readonly chain: Chain
  /** Index of its first rule that asks for the state. */
  readonly at: number
}

/** The base chains of a hook that do so, in no order. */
export function judgesAt({ tables }: Ruleset, hook: 'input' | 'output'): Judge[] {
  return tables.flatMap(table =>
    [...table.chains.values()].flatMap(chain => {
      if (chain.base?.hook !== hook || chain.base.type === 'nat') return []
      const at = firstStateful(table, chain)
      return at === null ? [] : [{ table, chain, at }]
    }),
  )
}

/** The rule set with rules put into one chain of it. */
export function withRulesAt(ruleset: Ruleset, { table, chain, at }: Judge, rules: readonly Rule[]): Ruleset {
  const longer = { ...chain, rules: chain.rules.toSpliced(at, 0, ...rules) }
  const replaced = { ...table, chains: new Map([...table.chains, [chain.name, longer]]) }
  return { ...ruleset, tables: ruleset.tables.map(other => (other === table ? replaced : other)) }
}
