/** A saved rule set of iptables with our chains in it; every other line stays as it is. */
import { linesOf, parseSave } from '../../firewall/iptables-save.ts'
import { findChain, isSameChain } from '../../firewall/own-ruleset.ts'
import type { Table } from '../../firewall/ruleset.ts'
import { firstStateful } from '../../firewall/stateful.ts'
import { OWN_CHAINS, stripSave } from '../../firewall/strip.ts'
import { joinWords } from '../../firewall/words.ts'
import type { Piece } from './live-iptables.ts'

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  raw: ['PREROUTING', 'OUTPUT'],
}

/** The text with these pieces, which are one family's; without any of ours where they have no rules. */
export function withPieces(text: string, pieces: readonly Piece[]): string {
  const stripped = stripSave(text)
  const wanted = pieces.filter(({ state }) => state.rules.length > 0)
  const [first] = wanted
  if (!first) return stripped === text ? text : withoutEmptied(stripped)
  const { backend, family } = first.state
  const saved = parseSave(stripped, backend, family)
  if (text !== stripped && holds(text, parseSave(text, backend, family), wanted, saved)) return text
  const lines = linesOf(stripped)
  const edited = wanted.reduce<readonly string[]>((text, piece) => withPiece(text, piece, placeIn(saved, piece)), lines)
  return edited.join('\n')
}

/**
 * True where the text has these pieces and nothing else of ours, in whatever order its tool wrote tables and chains. A jump
 * that comes earlier than it has to does as well: so it is live, where others have added rules behind it.
 */
function holds(text: string, there: readonly Table[], wanted: readonly Piece[], saved: readonly Table[]): boolean {
  // A name may come twice where somebody wrote the file by hand.
  if (new Set(there.map(({ name }) => name)).size < there.length) return false
  const chains = there.flatMap(({ name, chains }) => [...chains.values()].map(chain => ({ table: name, ...chain })))
  const own = chains.filter(({ name }) => name.startsWith(OWN_CHAINS))
  const jumps = chains.flatMap(({ rules }) =>
    rules.filter(({ verdict }) => 'chain' in verdict && verdict.chain.startsWith(OWN_CHAINS)),
  )
  if (own.length !== wanted.length || jumps.length !== wanted.length) return false
  return wanted.every(piece => {
    const { state, from } = piece
    const { backend, family, table, chain } = state
    const source = { backend, family, format: 'save', text } as const
    const isSame = isSameChain(findChain({ sources: [source], complete: true }, state), state)
    const rules = chains.find(of => of.table === table && of.name === from)?.rules ?? []
    const at = rules.findIndex(({ line }) => line === `-A ${from} -j ${chain}`)
    // Where CT is not known it must not stand there, though elsewhere it means the same.
    const isReadable = !state.rules.some(words => words.includes('NOTRACK')) || !text.includes('--notrack')
    return isSame && isReadable && at !== -1 && at <= placeIn(saved, piece)
  })
}

/** A table that was made for us alone goes with us: it stands last. */
function withoutEmptied(stripped: string): string {
  return stripped.endsWith(OWN_TABLE) ? stripped.slice(0, -OWN_TABLE.length) : stripped
}

/** What a raw table looks like that nobody but us has rules in. */
const OWN_TABLE = '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'

function withPiece(lines: readonly string[], piece: Piece, place: number): readonly string[] {
  const { state, from } = piece
  const { table, chain } = state
  const start = lines.findIndex(line => line.startsWith('*') && line.slice(1).trim() === table)
  if (start === -1) return withPiece(withTable(lines, table), piece, 0)
  const commit = lines.findIndex((line, at) => at > start && line.startsWith('COMMIT'))
  const end = commit === -1 ? lines.length : commit
  const inside = lines.slice(start + 1, end)
  const rule = new RegExp(`^(\\[\\d+:\\d+\\] )?-A ${from}(\\s|$)`)
  const rules = inside.flatMap((line, at) => (rule.test(line) ? [at] : []))
  const jump = rules[place] ?? inside.length
  const declared = inside.findLastIndex(line => line.startsWith(':')) + 1
  const counters = /^\[\d+:\d+\] -A /m.test(inside.join('\n')) ? '[0:0] ' : ''
  const body = [
    ...inside.slice(0, declared),
    `:${chain} - [0:0]`,
    ...inside.slice(declared, Math.max(jump, declared)),
    `${counters}-A ${from} -j ${chain}`,
    ...inside.slice(Math.max(jump, declared)),
    ...state.rules.map(words => `${counters}-A ${chain} ${joinWords(words)}`),
  ]
  return [...lines.slice(0, start + 1), ...body, ...lines.slice(end)]
}

/** Index of the jump among the rules of its chain, by what the saved rules say: they may be others than the live ones. */
function placeIn(saved: readonly Table[], { state, from }: Piece): number {
  const table = saved.find(({ name }) => name === state.table)
  const chain = table?.chains.get(from)
  if (!table || !chain || state.table !== 'filter') return 0
  return firstStateful(table, chain) ?? chain.rules.length
}

/** At the end, where a comment of the tool may follow the last table. */
function withTable(lines: readonly string[], table: string): string[] {
  const declared = (BUILT_IN[table] ?? []).map(chain => `:${chain} ACCEPT [0:0]`)
  const last = lines.findLastIndex(line => line.startsWith('COMMIT'))
  const rest = lines.slice(last + 1).filter(line => line !== '')
  return [...lines.slice(0, last + 1), ...rest, `*${table}`, ...declared, 'COMMIT', '']
}
