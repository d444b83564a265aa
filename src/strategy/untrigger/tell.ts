/** What is said beside the changes: what asks for tracking, what still will, and what goes missing. */
import type { Facts } from '../../facts/facts.ts'
import type { Rule } from '../../firewall/ruleset.ts'
import { tableKey, type Views } from './chains.ts'
import { askersWithoutRules, asksFor, type Choice, type Judged } from './choose.ts'
import { familyText } from './names.ts'
import { unreadText } from './unknown.ts'

/** Beyond that a list helps nobody. */
const MOST_LISTED = 30

/** For who has named nothing yet: all of them, the stray ones first, with what to say to take them out. */
export function listing({ left }: Choice): string[] {
  if (left.length === 0) return ['no rule here asks for tracking']
  const stray = left.filter(judged => judged.stray !== null)
  const others = left.filter(judged => judged.stray === null)
  const more = others.length - MOST_LISTED
  return [
    ...stray.map(judged =>
      judged.owner === null
        ? `stray: ${judged.trigger.name} (${judged.stray}); take it out with stray: true, or by its name in rules`
        : `does nothing: ${judged.trigger.name} (${judged.stray}); it is left to ${judged.owner}, which would write it again`,
    ),
    ...others.slice(0, MOST_LISTED).map(judged => {
      const { trigger, owner } = judged
      return `asks for tracking: ${trigger.name}${owner === null ? '' : ` (of ${owner})`}${neededText(judged)}`
    }),
    ...(more > 0 ? [`${more} more rules ask for tracking`] : []),
  ]
}

const neededText = ({ needed }: Judged): string =>
  needed === null
    ? ''
    : ` (it does nothing now, for ${needed.idle}; as ${needed.path} has it, which boot loads, it may do something)`

/** For who asked for the stray ones: those that are so only as long as nobody boots. */
export function idle({ left }: Choice): string[] {
  return left
    .filter(({ needed, owner }) => needed !== null && owner === null)
    .map(judged => `left: ${judged.trigger.name}${neededText(judged)}`)
}

/** What goes on being tracked, and why. */
export function remaining({ taken, left }: Choice): string[] {
  const families = ([4, 6] as const).filter(family => asksFor(taken, family) && asksFor(left, family))
  return families.map(family => {
    const asking = left.filter(({ trigger }) => trigger.families.includes(family))
    const [first] = asking.toSorted((a, b) => Number(a.stray !== null) - Number(b.stray !== null))
    const many = asking.length === 1 ? 'one rule still asks for it' : `${asking.length} rules still ask for it, one is`
    return `${familyText(family)} stays tracked: ${many}${asking.length === 1 ? ':' : ''} ${first?.trigger.name ?? ''}`
  })
}

/** What asks besides the rules, and where nobody looked. */
export function elsewhere(facts: Facts): string[] {
  const { tracking } = facts
  const others = tracking?.otherNamespaces ?? 0
  return [
    ...askersWithoutRules(facts).map(name => `${name} asks for tracking by itself, without a rule`),
    ...(others > 0
      ? [`${others} other network namespaces here are tracked by rules of their own, which are not touched`]
      : []),
  ]
}

/** For who has named nothing yet: what would be in the way. */
export function unread({ tracking }: Facts): string[] {
  return (tracking?.savedUnread ?? []).map(file => `${unreadText(file)}: a rule in it would be back after a boot`)
}

/** What packets meet without rules that did something. */
export function missed({ taken }: Choice, views: Views): string[] {
  return taken.flatMap(judged => {
    if (judged.stray !== null) return []
    const { name } = judged.trigger
    const verdicts = partsOf(judged, views).map(({ verdict }) => verdict.is)
    if (verdicts.includes('drop')) return [`${name} drops packets, which the rules after it will judge instead`]
    return verdicts.includes('accept') && answers(judged, views)
      ? [`${name} lets in the answers to what this host begins: without it they must be let in by rules of their own`]
      : []
  })
}

function partsOf({ trigger }: Judged, views: Views): readonly Rule[] {
  const { place, position } = trigger
  return views.get(tableKey(place))?.chains.get(place.chain)?.entries[position - 1]?.parts ?? []
}

function answers(judged: Judged, views: Views): boolean {
  return partsOf(judged, views).some(({ matches, verdict }) =>
    matches.some(
      ({ condition, not }) =>
        verdict.is === 'accept' && !not && condition.is === 'state' && condition.states.includes('established'),
    ),
  )
}
