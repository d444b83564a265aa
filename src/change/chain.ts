/** Chains of iptables that only we write, live and whole: how they are checked, loaded, taken back and shown. */
import { diffArrays } from 'diff'
import type { ChainState } from '../firewall/own.ts'
import { joinWords, splitWords } from '../firewall/words.ts'
import { type Script, sh } from '../lang/sh.ts'
import type { ChainChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

/** The words by which every function of chain.sh is told which chain is meant. */
function words({ backend, family, table, chain }: ChainState): readonly string[] {
  return [backend, String(family), table, chain]
}

/** All its rules as one word: a line each, as save prints them behind the chain's name. */
function text({ rules }: ChainState): string {
  return rules.map(rule => `${joinWords(rule)}\n`).join('')
}

/** The state a change is about, on whichever side it stands. */
function either({ before, after, target }: ChainChange): ChainState {
  const chain = before ?? after
  if (!chain) throw new TypeError(`the change of ${target} has no chain in it`)
  return chain
}

/** Exits as stale unless the chain holds what it held, or still is not there. */
export function expect(change: ChainChange): Script {
  return change.before === null
    ? sh`expect_no_chain ${words(either(change))}`
    : sh`expect_chain ${words(change.before)} ${text(change.before)}`
}

/** Loads the chain with all its rules at once, or takes it out. Its jumps are rules, and changes of their own. */
export function render({ before, after }: ChainChange): Script {
  if (after !== null) return sh`put_chain ${words(after)} ${text(after)}`
  return before === null ? sh`:` : sh`drop_chain ${words(before)} ${text(before)}`
}

/** Takes it back, but only where it holds what we put there: what somebody else made of it is never overwritten. */
export function renderUndo({ before, after }: ChainChange): Script {
  if (before === null) return after === null ? sh`:` : sh`drop_chain ${words(after)} ${text(after)}`
  return after === null
    ? sh`restore_chain ${words(before)} ${text(before)}`
    : sh`restore_chain ${words(before)} ${text(before)} ${text(after)}`
}

/** Prints whether it is there, and its rules. */
export function look(change: ChainChange): Script {
  return sh`show_chain ${words(either(change))}`
}

/** Reads what `look` printed. Throws LookError. */
export function parse(change: ChainChange, said: string): Looked<ChainState> {
  if (/^absent\n?$/.test(said)) return { state: null }
  const [head, ...lines] = said.replace(/\n$/, '').split('\n')
  if (head === 'present') return { state: { ...either(change), rules: lines.map(splitWords) } }
  const refused = unreadable(said)
  if (!refused) throw notALook(change.target, said)
  return refused
}

/** Lines as one would type them: what comes, what goes, and between them what stays. */
export function describe(change: ChainChange): string {
  const { before, after } = change
  const chain = either(change)
  const lines = (state: ChainState | null): string[] => state?.rules.map(rule => command(chain, '-A', rule)) ?? []
  const rules = diffArrays(lines(before), lines(after)).flatMap(({ added, removed, value }) =>
    value.map(line => `${added ? '+' : removed ? '-' : ' '} ${line}`),
  )
  if (before === null) return [`+ ${command(chain, '-N')}`, ...rules].join('\n')
  return after === null ? [...rules, `- ${command(chain, '-X')}`].join('\n') : rules.join('\n')
}

function command({ backend, family, table, chain }: ChainState, verb: string, rule: readonly string[] = []): string {
  const tool = family === 4 ? backend : `ip6${backend.slice(2)}`
  return sh`${[tool, '-t', table, verb, chain, ...rule]}`.text
}
