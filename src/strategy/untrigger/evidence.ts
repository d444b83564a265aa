/** What shows that tracking is over: counts and modules do not, for old entries and rules that ask for nothing keep both. */
import type { Facts } from '../../facts/facts.ts'
import { type Family, parseAddress } from '../../firewall/address.ts'
import { formatCount } from '../../lang/numbers.ts'
import type { Evidence } from '../strategy.ts'
import { askersWithoutRules, asksFor, type Choice } from './choose.ts'
import { familyText } from './names.ts'

const always = (name: string, status: Evidence['status'], detail: string): Evidence => ({
  ...{ name, when: 'always', status, detail },
})

/** `families`: those of the rules that were to go. */
export function evidenceOf(choice: Choice, families: readonly Family[], facts: Facts): Evidence[] {
  const rules = noTrigger(choice, families)
  if (facts.family === null) {
    const detail = 'conntrack is not loaded: nothing is tracked here'
    return [rules, ...SEEN.map(name => always(name, 'pass', detail))]
  }
  return [rules, ownConnection(choice, families, facts), noNewEntries(choice, facts)]
}

/** Where what is live could not be looked at, or says nothing: no more is known than before. */
export function unseen(why: string): Evidence[] {
  return ['no-trigger-left', ...SEEN].map(name => always(name, 'unknown', why))
}

/** Where nobody has said which rules are to go, what asks is neither a failure nor done with. */
export function unnamed({ left }: Choice, filed: number): Evidence[] {
  if (left.length === 0 && filed === 0) return []
  const counts = [
    ...(left.length > 0 ? [left.length === 1 ? '1 live rule asks' : `${left.length} live rules ask`] : []),
    ...(filed > 0 ? [filed === 1 ? '1 line of a file asks' : `${filed} lines of files ask`] : []),
  ]
  const how = 'say --set stray=true, or name them by --set rules=…'
  return [always('no-trigger-left', 'unknown', `no rule was to go: ${counts.join(' and ')} for tracking; ${how}`)]
}

const SEEN = ['own-connection-untracked', 'no-new-entries']

/** The rules that were not to go: the plan has said that they stay, so what they keep tracked is no failure. */
function noTrigger({ taken, left }: Choice, families: readonly Family[]): Evidence {
  const name = 'no-trigger-left'
  const [there] = taken
  if (there) return always(name, 'fail', `${there.trigger.name} asks for tracking`)
  const details = families.map(family => keptText(left, family) ?? `no rule asks for tracking of ${familyText(family)}`)
  return always(name, 'pass', details.join('; '))
}

/** null where no rule that stays asks for that family. */
function keptText(left: Choice['left'], family: Family): string | null {
  const other = left.find(({ trigger }) => trigger.families.includes(family))
  return other ? `${familyText(family)} stays tracked by a rule that was not to go: ${other.trigger.name}` : null
}

/** Each look comes by a connection of its own, which the kernel has met after the change. */
function ownConnection(choice: Choice, families: readonly Family[], facts: Facts): Evidence {
  const name = 'own-connection-untracked'
  const own = facts.tracking?.ownConnection ?? null
  const family = facts.managementPath ? parseAddress(facts.managementPath.serverAddress)?.family : undefined
  if (own === null || family === undefined) {
    return always(name, 'unknown', 'whether our own connection is in the table could not be seen')
  }
  const where = `our own connection is ${own === 'tracked' ? 'in the table' : 'not in the table'}`
  const kept = keptText(choice.left, family)
  // In the table or not: it shows nothing of a family that we did not come by.
  const isOther = !families.includes(family)
  if (own === 'untracked') {
    if (!isOther) return always(name, 'pass', where)
    const gone = families.map(familyText).join(' and ')
    return always(name, 'unknown', `${where}, but it is of ${familyText(family)}, and the rules were of ${gone}`)
  }
  if (asksFor(choice.taken, family)) {
    return always(name, 'unknown', `${where}, as a rule that is to go still asks for tracking of ${familyText(family)}`)
  }
  if (kept !== null) return always(name, 'pass', `${where}: ${kept}`)
  const [asker] = askersWithoutRules(facts)
  if (asker !== undefined) return always(name, 'unknown', `${where}, as ${asker} asks for tracking by itself`)
  const status = isOther ? 'unknown' : 'fail'
  return always(name, status, `${where}, though no rule asks for tracking of ${familyText(family)}`)
}

/** The count is of both families, and of whoever asks: it shows something only where nothing asks at all. */
function noNewEntries({ taken, left }: Choice, facts: Facts): Evidence {
  const name = 'no-new-entries'
  const { earlier, count } = facts
  const before = earlier?.count
  if (!earlier || before === undefined || count === null) {
    return always(name, 'unknown', 'nobody watched the count for a while')
  }
  const detail = `count ${formatCount(before)} → ${formatCount(count)} over ${earlier.secondsBefore} s`
  const [asker] = askersWithoutRules(facts)
  if (taken.length > 0) return always(name, 'unknown', `${detail}: rules that are to go ask for tracking`)
  if (asker !== undefined) return always(name, 'unknown', `${detail}: ${asker} asks for tracking by itself`)
  const kept = ([4, 6] as const).flatMap(family => keptText(left, family) ?? [])
  if (kept.length > 0) return always(name, 'pass', `${detail}, which proves nothing: ${kept.join('; ')}`)
  return always(name, count <= before ? 'pass' : 'fail', detail)
}
