/** The kernel takes a timeout of 0 or less without a word, and then forgets entries at once. */
import { timeoutSysctl } from '../../strategy/names.ts'
import { timeoutsOfZero, usualTimeouts } from '../defaults.ts'
import type { Rule } from '../finding.ts'

export const badTimeouts: Rule = facts => {
  const bad = timeoutsOfZero(facts)
  if (bad.length === 0 || facts.family === null) return null
  const { family } = facts
  const known = Object.entries(usualTimeouts(bad)).map(([name, seconds]) => `--set ${name}=${seconds}`)
  const by =
    known.length > 0 ? `with strategy timeouts, as ${known.join(' ')}` : `by ${timeoutSysctl(family, bad[0] ?? '')}`
  return {
    code: 'timeout-zero',
    severity: 'critical',
    title: `entries are forgotten at once: ${bad.join(', ')} ${bad.length === 1 ? 'has a timeout' : 'have timeouts'} of 0 or less`,
    evidence: bad.map(name => `timeout ${name} is ${facts.timeouts[name]}`),
    remedy: `set it ${by}`,
    ...(known.length > 0 ? { cure: 'timeouts' as const } : {}),
  }
}
