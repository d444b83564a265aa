/** What is said beside the changes: what asks for tracking, what still will, and what goes missing. */
import type { Facts } from '../../facts/facts.ts'
import type { Rule } from '../../firewall/ruleset.ts'
import { unreadText } from '../saved-files.ts'
import { tableKey, type Views } from './chains.ts'
import { askersWithoutRules, asksFor, type Choice, type Judged } from './choose.ts'
import { familyText, type Name } from './names.ts'

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
        ? `stray: ${judged.trigger.name} (${judged.stray}); take it out with --set stray=true, or by its name in rules`
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

/** A name that nothing has may be done with, or mistyped: whoever gave it sees what there is. */
export function unmatched(names: readonly Name[], choice: Choice): string[] {
  if (names.length === 0) return []
  return [...names.map(({ text }) => `no rule here has the name "${text}"`), ...listing(choice)]
}

/** For who asked for the stray ones: those that are so only as long as nobody boots. */
export function idle({ left }: Choice): string[] {
  return left
    .filter(({ needed, owner }) => needed !== null && owner === null)
    .map(judged => `left: ${judged.trigger.name}${neededText(judged)}`)
}

/** Beyond that a line is too long to be read. */
const MOST_NAMED = 10

/** What goes on being tracked, and by which rules. `stray`: all tracking was to end. */
export function remaining({ taken, left }: Choice, stray: boolean): string[] {
  const families = ([4, 6] as const).filter(family => asksFor(left, family) && (stray || asksFor(taken, family)))
  const asking = families.map(family => left.filter(({ trigger }) => trigger.families.includes(family)))
  const [four = [], six = []] = asking
  // Rules of `inet` ask for both, and are not said twice.
  if (six.length > 0 && six.every((one, i) => one === four[i]) && six.length === four.length) {
    return [stillText('IPv4 and IPv6 stay', four)]
  }
  return families.map((family, i) => stillText(`${familyText(family)} stays`, asking[i] ?? []))
}

function stillText(what: string, asking: readonly Judged[]): string {
  const names = asking.slice(0, MOST_NAMED).map(({ trigger }) => trigger.name)
  const more = asking.length - names.length
  const many = asking.length === 1 ? 'one rule still asks' : `${asking.length} rules still ask`
  const rest = more > 0 ? `; and ${more} more` : ''
  return `tracking does not end, ${what} tracked: ${many} for it: ${names.join('; ')}${rest}`
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
