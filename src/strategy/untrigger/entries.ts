/** Entries that nothing refreshes any more: they stay until their time is over, or go with the rules. */
import type { EntriesChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { formatDuration } from '../../lang/duration.ts'
import { formatCount } from '../../lang/numbers.ts'
import { askersWithoutRules, type Choice, freedFamilies } from './choose.ts'
import { familyText } from './names.ts'

const familiesText = (families: readonly Family[]): string => families.map(familyText).join(' and ')

/** What is there goes, once all else is confirmed; where something still asks, or nobody can, there is nothing. */
export function entriesChange(choice: Choice, facts: Facts): EntriesChange | null {
  const freed = freedFamilies(choice, facts)
  if (freed.length === 0 || !facts.count || !facts.tools.conntrack || askersWithoutRules(facts).length > 0) return null
  return {
    kind: 'entries',
    layer: 'final',
    target: `entries of ${familiesText(freed)}`,
    before: {
      // The table has one count for both.
      count: choice.left.length === 0 ? facts.count : null,
      selectors: freed.map(family => ['-f', family === 4 ? 'ipv4' : 'ipv6']),
    },
    after: null,
    why: 'they would stay until their time is over, and no packet refreshes them any more',
  }
}

/** What becomes of them where they are not removed. */
export function entriesWarning(choice: Choice, facts: Facts, asked: boolean): string[] {
  const freed = freedFamilies(choice, facts)
  if (freed.length === 0 || !facts.count) return []
  const all = `${formatCount(facts.count)} entries`
  const which = choice.left.length === 0 ? all : `of ${all} those of ${familiesText(freed)}`
  const longest = Math.max(0, ...Object.values(facts.timeouts))
  const until = longest > 0 ? `, the longest up to ${formatDuration(longest)}` : ''
  const [asker] = askersWithoutRules(facts)
  const why = !asked
    ? '--set entries=true removes them'
    : asker
      ? `${asker} may need them`
      : 'there is no conntrack tool here to remove them'
  return [`${which} stay until their time is over${until}: ${why}`]
}
