/** Our rules as chains of iptables: each chain is loaded whole, then one jump to it. The filter comes before the raw table. */
import type { ChainChange, Change, RuleChange } from '../../change/change.ts'
import type { RulesetText } from '../../facts/facts.ts'
import { type ChainState, chainTarget } from '../../firewall/own.ts'
import { iptablesWords, type OwnRule, type Spelling } from '../../firewall/own-rule.ts'
import { findChain, isSameChain } from '../../firewall/own-ruleset.ts'
import { positionOf, type RuleState, ruleTarget } from '../../firewall/rule-state.ts'
import type { Ruleset } from '../../firewall/ruleset.ts'
import type { Blocker } from '../strategy.ts'
import type { Home } from './home.ts'
import type { FlowRules } from './rules.ts'
import { homesOf } from './sketch.ts'

type IptablesHome = Extract<Home, { by: 'iptables' }>

/** A chain of ours with the jump to it. */
export interface Piece {
  readonly state: ChainState
  /** The chain that leads to it. */
  readonly from: string
  /** Place of the jump, from 1; null: the table has none that a jump could go to. */
  readonly at: number
  readonly why: string
}

/** The pieces of one family, in the order in which they are made. A piece without rules is one that must not be there. */
export function piecesOf(rules: FlowRules, home: IptablesHome, spelling: Spelling, stripped: Ruleset): Piece[] {
  const { family } = spelling
  const judges = {
    input: homesOf(stripped, 'input', home, family)[0],
    output: homesOf(stripped, 'output', home, family)[0],
  }
  const place = (hook: 'input' | 'output'): number => (judges[hook]?.at ?? 0) + 1
  // Where nothing asks for states nobody minds that there are none.
  const where = (hook: 'input' | 'output', own: readonly OwnRule[]): readonly OwnRule[] => (judges[hook] ? own : [])
  const piece = (
    table: string,
    from: string,
    chain: string,
    own: readonly OwnRule[],
    at: number,
    why: string,
  ): Piece => ({
    state: { backend: home.backend, family, table, chain, rules: own.flatMap(rule => iptablesWords(rule, spelling)) },
    ...{ from, at, why },
  })
  const accept =
    'untracked packets match no rule about states: these flows, and no others, are let in before such rules'
  return [
    piece('filter', 'INPUT', 'CTFIX-IN', where('input', rules.acceptIn), place('input'), accept),
    piece('filter', 'OUTPUT', 'CTFIX-OUT', where('output', rules.acceptOut), place('output'), accept),
    piece('raw', 'OUTPUT', 'CTFIX-OUT', rules.out, 1, 'answers too, or each of them makes half an entry'),
    piece('raw', 'PREROUTING', 'CTFIX-PRE', rules.pre, 1, 'these flows no longer take up the table'),
  ]
}

/** What differs live; what of ours has no rules any more goes, its jump first. */
export function liveChanges(pieces: readonly Piece[], live: RulesetText): Change[] {
  const kept = pieces.filter(({ state }) => state.rules.length > 0)
  const gone = pieces.filter(({ state }) => state.rules.length === 0).toReversed()
  return [...kept.flatMap(piece => put(piece, live)), ...gone.flatMap(piece => take(piece, live))]
}

function put(piece: Piece, live: RulesetText): Change[] {
  const before = findChain(live, piece.state)
  const jump = jumpOf(piece)
  const there = positionOf(live, jump)
  const chain: ChainChange[] = isSameChain(before, piece.state) ? [] : [chainChange(before, piece.state, piece.why)]
  return there === null ? [...chain, jumpChange(null, jump, 'the way to that chain')] : chain
}

/** A rule is the same wherever it stands, so no change could move a jump that rules about states have come before. */
export function misplaced(pieces: readonly Piece[], live: RulesetText): Blocker[] {
  return pieces.flatMap(piece => {
    const { state, from, at } = piece
    const there = positionOf(live, jumpOf(piece))
    if (state.rules.length === 0 || there === null || there <= at) return []
    const message = `rules about states have come before the jump to ${state.chain}, rule ${there} of ${from} (${chainTarget(state)}): take that jump out and plan again`
    return [{ code: 'jump-misplaced', message, forceable: false }]
  })
}

function take(piece: Piece, live: RulesetText): Change[] {
  const before = findChain(live, piece.state)
  const jump = jumpOf(piece)
  const there = positionOf(live, jump)
  const why = 'not needed any more'
  return [
    ...(there === null ? [] : [jumpChange({ ...jump, position: there }, null, why)]),
    ...(before === null ? [] : [chainChange(before, null, why)]),
  ]
}

function jumpOf({ state, from, at }: Piece): RuleState {
  const { backend, family, table, chain } = state
  return { backend, family, table, chain: from, position: at, spec: ['-j', chain] }
}

function chainChange(before: ChainState | null, after: ChainState | null, why: string): ChainChange {
  const either = after ?? before
  if (!either) throw new TypeError('a change of no chain')
  return { kind: 'chain', layer: 'runtime', target: chainTarget(either), before, after, why }
}

function jumpChange(before: RuleState | null, after: RuleState | null, why: string): RuleChange {
  const either = after ?? before
  if (!either) throw new TypeError('a change of no rule')
  return { kind: 'rule', layer: 'runtime', target: ruleTarget(either), before, after, why }
}
