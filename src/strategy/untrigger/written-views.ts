/**
 * The chains of a file of nft. What its rules say is known by the live rules of the same words; any other is a question,
 * with the verdict at its end where it has one.
 */
import type { RulesetText } from '../../facts/facts.ts'
import { nftText } from '../../firewall/nft-text.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import type { Base } from '../../firewall/ruleset.ts'
import { isRecord } from '../../lang/record.ts'
import { type ChainView, type Entry, nftEntry, type TableView, type Views } from './chains.ts'
import { bagOfWords, type Statement, statementsOf, withDefined } from './written.ts'
import { readWritten } from './written-rule.ts'

interface Chain {
  base: Base | null
  readonly entries: Entry[]
}

/**
 * The tables of a file, by the keys of `tableKey`. `whole`: what is included, and what maps lead to, may be at the end of
 * every chain, so that nothing is proven there; to see what an edit of this file makes of it that is no matter.
 */
export function writtenViews(text: string, live: RulesetText | null, { whole }: { whole: boolean }): Views {
  const known = live ? entriesOf(live) : new Map<string, Entry>()
  const statements = statementsOf(text)
  const hides =
    statements.some(({ text: said }) => /^include\b|\bvmap @|\$/.test(withDefined(said, statements))) ||
    /\bmap\s+\S+\s*\{/.test(text)
  const tables = new Map<string, Map<string, Chain>>()
  for (const { table, chain, said } of rulesOf(statements)) {
    const chains = tables.get(table) ?? new Map<string, Chain>()
    const here = chains.get(chain) ?? { base: null, entries: [] }
    tables.set(table, chains.set(chain, here))
    if (isHeader(said)) here.base = withHeader(here.base, said)
    else here.entries.push(known.get(`${table} ${chain} ${bagOfWords(said)}`) ?? guessed(said))
  }
  return new Map([...tables].map(([table, chains]) => [`nft ${table}`, viewOf(chains, whole && hides)]))
}

function viewOf(chains: ReadonlyMap<string, Chain>, hides: boolean): TableView {
  const hidden = hides ? [guessed('include')] : []
  const views = [...chains].map(([name, { base, entries }]): [string, ChainView] => [
    name,
    { base, entries: [...entries, ...hidden] },
  ])
  return { chains: new Map(views), leads: [], opaque: hides }
}

/** `ip nat`, `postrouting`, and what is said there. */
export function rulesOf(statements: readonly Statement[]) {
  return statements.flatMap(({ home, text }) => {
    const [family = '', table = '', chain] = home?.split(' ') ?? []
    return chain === undefined ? [] : [{ table: `${family} ${table}`, chain, said: withDefined(text, statements) }]
  })
}

/** What a chain says of itself is no rule. */
export const isHeader = (said: string): boolean => /^(type \S+ hook|policy|comment|flags|device|devices)\b/.test(said)

const PRIORITIES: Readonly<Record<string, number>> = {
  ...{ raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 },
}

function withHeader(base: Base | null, said: string): Base | null {
  const [, type, hook] = /^type (\S+) hook (\S+)/.exec(said) ?? []
  if (hook !== undefined) {
    const [, name = '0', sign = '+', more = '0'] = /priority (-?\w+)(?: ?([+-]) ?(\d+))?/.exec(said) ?? []
    const priority = (PRIORITIES[name] ?? (Number(name) || 0)) + Number(`${sign}${more}`)
    return {
      type: type === 'nat' || type === 'route' ? type : 'filter',
      hook,
      priority,
      policy: base?.policy ?? 'accept',
    }
  }
  return base && said.startsWith('policy') ? { ...base, policy: said === 'policy drop' ? 'drop' : 'accept' } : base
}

/** Live rules by where they stand and what they say. */
function entriesOf({ sources }: RulesetText): Map<string, Entry> {
  const rules = sources.flatMap(({ format, text }) => (format === 'json' ? objectsOf(text) : []))
  return new Map(
    rules.flatMap(({ rule }) => {
      if (!isRecord(rule) || !Array.isArray(rule.expr)) return []
      const text = nftText(rule.expr, rule.comment)
      const home = `${String(rule.family)} ${String(rule.table)} ${String(rule.chain)}`
      return text === null ? [] : [[`${home} ${bagOfWords(text)}`, nftEntry(rule.expr.filter(isRecord))] as const]
    }),
  )
}

/** Nobody has listed it: not all of it may be understood, and so it proves nothing. */
function guessed(said: string): Entry {
  const leads = [...said.matchAll(/\b(?:jump|goto) ([^\s,;}]+)/g)].map(([, chain = '']) => chain)
  return { parts: [readWritten(said)], plain: false, leads }
}
