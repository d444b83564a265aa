/** The rule set of the facts, understood. */
import type { RulesetSource, RulesetText } from '../facts/facts.ts'
import { parseSave } from './iptables-save.ts'
import { parseNftJson } from './nft-json.ts'
import type { Ruleset, Table } from './ruleset.ts'

/**
 * Tables of all sources. Those that iptables-nft lists itself are left out of what nft says: to nft their extensions are
 * opaque. Text that is not understood makes it incomplete.
 */
export function readRuleset({ sources, complete }: RulesetText): Ruleset {
  const saved = sources.flatMap(source => savedTables(source))
  const own = new Set(saved.filter(isCompat).map(nameOf))
  const native = sources.filter(({ format }) => format === 'json').map(({ text }) => parseNftJson(text))
  const understood = sources.every(({ format }) => format !== 'text') && !native.includes(null)
  const tables = native.flatMap(found => found ?? []).filter(table => !own.has(nameOf(table)))
  return { tables: [...saved, ...tables], complete: complete && understood }
}

/** Planning reads the same text several times over, and it may have thousands of rules. */
const known = new WeakMap<RulesetSource, readonly Table[]>()

function savedTables(source: RulesetSource): readonly Table[] {
  const { backend, family, format, text } = source
  if (format !== 'save' || family === null) return []
  const tables = known.get(source) ?? parseSave(text, backend, family)
  known.set(source, tables)
  return tables
}

const isCompat = ({ backend }: Table): boolean => backend === 'iptables-nft'
const nameOf = ({ family, name }: Table): string => `${family} ${name}`
