/** Rules that are gone while their extensions are still in the kernel: something loaded them, and may do so at boot. */
import type { Facts } from '../../facts/facts.ts'
import { objectsOf } from '../../firewall/own-ruleset.ts'
import { isRecord } from '../../lang/record.ts'
import { loadersOf } from '../saved-files.ts'
import type { Blocker } from '../strategy.ts'
import { rulesIn } from './parts.ts'
import { savedNeeds } from './saved.ts'

/** What only a rule about states, or one that translates, brings into the kernel. Nothing takes it out again. */
const EXTENSION =
  /^(xt|ipt|ip6t)_(state|conntrack|conn[a-z]+|CT|helper|nat|NETMAP|REDIRECT|MASQUERADE|[SD]NAT)$|^nft_(ct|masq|redir|nat)$/

/**
 * No live rule, and nothing found that loads any. Where a table was emptied by hand, as a first aid, that says nothing of
 * the next boot; a host that never had such a rule has none of its extensions either.
 */
export function emptiedBlockers(facts: Facts): Blocker[] {
  // What somebody else holds, as rules of another network namespace do, is told by who holds it.
  const left = (facts.modules ?? []).filter(
    ({ name, refs, users }) => EXTENSION.test(name) && refs === 0 && users.length === 0,
  )
  if (left.length === 0 || hasLiveRules(facts) || hasLoader(facts)) return []
  const names = left.map(({ name }) => name).join(', ')
  const message = `${names} ${left.length > 1 ? 'are' : 'is'} in the kernel, which only rules about states bring there, and no such rule is live or in any file that boot was found to load: whatever loaded it may do so again at boot, and would then be refused as a whole`
  return [{ code: 'saved-unknown', message, forceable: true }]
}

function hasLiveRules({ ruleset }: Facts): boolean {
  return (ruleset?.sources ?? []).some(({ format, text }) =>
    format === 'json' ? objectsOf(text).some(({ rule }) => isRecord(rule)) : rulesIn(text).length > 0,
  )
}

/** A service that brings rules, a file that a script loads, or lines that need tracking, wherever they are. */
function hasLoader(facts: Facts): boolean {
  const { services = [], savedSeen = [] } = facts.tracking ?? {}
  const byScript = savedSeen.some(path => loadersOf(path).length === 0)
  return services.some(({ running, enabled }) => running || enabled) || byScript || savedNeeds(facts).length > 0
}
