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
  return [noTrigger(choice, families), ownConnection(choice, facts), noNewEntries(choice, facts)]
}

/** Rules that nobody named are no failure of the change: the plan has said that they stay. */
function noTrigger({ taken, left }: Choice, families: readonly Family[]): Evidence {
  const name = 'no-trigger-left'
  const [there] = taken
  if (there) return always(name, 'fail', `${there.trigger.name} asks for tracking`)
  const details = families.map(family => {
    const other = left.find(({ trigger }) => trigger.families.includes(family))
    const text = familyText(family)
    return other
      ? `${text} stays tracked by a rule that was not to go: ${other.trigger.name}`
      : `no rule asks for tracking of ${text}`
  })
  const isLeft = families.some(family => asksFor(left, family))
  return always(name, isLeft ? 'unknown' : 'pass', details.join('; '))
}

/** Each look comes by a connection of its own, which the kernel has met after the change. */
function ownConnection(choice: Choice, facts: Facts): Evidence {
  const name = 'own-connection-untracked'
  const own = facts.tracking?.ownConnection ?? null
  const family = facts.managementPath ? parseAddress(facts.managementPath.serverAddress)?.family : undefined
  if (own === null || family === undefined) {
    return always(name, 'unknown', 'whether our own connection is in the table could not be seen')
  }
  if (own === 'untracked') return always(name, 'pass', 'our own connection is not in the table')
  const asks = asksFor([...choice.taken, ...choice.left], family) || askersWithoutRules(facts).length > 0
  return asks
    ? always(
        name,
        'unknown',
        `our own connection is in the table, as something still asks for tracking of ${familyText(family)}`,
      )
    : always(
        name,
        'fail',
        `our own connection is in the table, though no rule asks for tracking of ${familyText(family)}`,
      )
}

function noNewEntries(choice: Choice, facts: Facts): Evidence {
  const name = 'no-new-entries'
  const { earlier, count } = facts
  const before: unknown = earlier && 'count' in earlier ? earlier.count : null
  if (earlier === null || typeof before !== 'number' || count === null) {
    return always(name, 'unknown', 'nobody watched the count for a while')
  }
  const detail = `count ${formatCount(before)} → ${formatCount(count)} over ${earlier.secondsBefore} s`
  if (choice.taken.length + choice.left.length > 0) return always(name, 'unknown', `${detail}: rules ask for tracking`)
  return always(name, count <= before ? 'pass' : 'fail', detail)
}
