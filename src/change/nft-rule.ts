/** Rules of ours in a chain of somebody else's, in nft: how they are checked, inserted, taken out and shown. */
import type { NftRuleState } from '../firewall/own.ts'
import { type Script, sh } from '../lang/sh.ts'
import { invert, type NftRuleChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

/** The words by which every function of nft.sh is told which rule is meant. */
function words({ family, table, chain, position, text }: NftRuleState): readonly string[] {
  return [family, table, chain, position === null ? 'end' : String(position), text]
}

/** The state a change is about, on whichever side it stands. */
function either({ before, after, target }: NftRuleChange): NftRuleState {
  const rule = before ?? after
  if (!rule) throw new TypeError(`the change of ${target} has no rule in it`)
  return rule
}

/** Exits as stale unless the rule is still there, or still is not. Its place may have moved. */
export function expect(change: NftRuleChange): Script {
  const rule = either(change)
  return change.before === null ? sh`expect_no_nft_rule ${words(rule)}` : sh`expect_nft_rule ${words(rule)}`
}

/** Inserts the rule, or takes it out; one that is there or gone already is well, too. */
export function render(change: NftRuleChange): Script {
  const rule = either(change)
  return change.after === null ? sh`take_nft_rule ${words(rule)}` : sh`put_nft_rule ${words(rule)}`
}

/** The other way round: a rule of ours goes if it is still there, one that we took comes back to its place. */
export function renderUndo(change: NftRuleChange): Script {
  return render(invert(change))
}

/** Prints whether it is there, and where. */
export function look(change: NftRuleChange): Script {
  return sh`show_nft_rule ${words(either(change))}`
}

/** Reads what `look` printed. Throws LookError. */
export function parse(change: NftRuleChange, said: string): Looked<NftRuleState> {
  if (/^absent\n?$/.test(said)) return { state: null }
  const position = /^present ([1-9]\d*)\n?$/.exec(said)?.[1]
  if (position !== undefined) return { state: { ...either(change), position: Number(position), json: null } }
  const refused = unreadable(said)
  if (!refused) throw notALook(change.target, said)
  return refused
}

/** One line for the diff. It names the place by its number, where nft itself is told a handle. */
export function describe(change: NftRuleChange): string {
  const { family, table, chain, position, text } = either(change)
  const where = `${family} ${table} ${chain}`
  if (change.after === null) return `- nft delete rule ${where} ${text}`
  return position === null
    ? `+ nft add rule ${where} ${text}`
    : `+ nft insert rule ${where} position ${position} ${text}`
}
