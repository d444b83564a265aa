/** Values that are live, and that the next boot will not have: nobody wrote them down. */
import type { Facts } from '../../facts/facts.ts'
import { formatDuration } from '../../lang/duration.ts'
import { formatCount } from '../../lang/numbers.ts'
import { type Given, hashAtBoot, hashsizeOption, lastSetting, limitKey, unkeptTimeouts } from '../boot.ts'
import { isOwnHash, isOwnLimit } from '../defaults.ts'
import type { Rule } from '../finding.ts'

export const lostAtReboot: Rule = facts => {
  const key = limitKey(facts)
  if (key === null) return null
  const sizes = [...limitLost(facts, key), ...hashLost(facts)]
  const timeouts = unkeptTimeouts(facts)
  if (sizes.length + timeouts.length === 0) return null
  const names = [...sizes.map(({ name }) => name), ...timeouts.map(([name]) => `timeout ${name}`)]
  const isNowhere = sizes.every(({ given }) => given === null)
  return {
    code: 'lost-at-reboot',
    severity: 'warning',
    title: `${names.join(', ')} will not survive a reboot: ${isNowhere ? `no file sets ${names.length === 1 ? 'it' : 'them'}` : 'files say otherwise'}`,
    evidence: [
      ...sizes.map(({ what, value, given }) => `${what} is ${formatCount(value)}: ${why(given)}`),
      ...timeouts.map(([name, seconds]) => `timeout ${name} is ${formatDuration(seconds)}`),
    ],
    remedy: 'have what is live written down',
    cure: sizes.length === 0 ? 'keep-timeouts' : 'keep-size',
  }
}

interface Lost {
  readonly name: string
  readonly what: string
  readonly value: number
  /** What boot gives instead; null: what the kernel chooses. */
  readonly given: Given | null
}

function why(given: Given | null): string {
  return given === null
    ? 'boot gives it the default of the kernel'
    : `${given.setting.file}:${given.setting.line} makes it ${formatCount(given.value)}`
}

function limitLost(facts: Facts, key: string): Lost[] {
  const { max } = facts
  if (!max || lastSetting(facts, key) !== null || facts.managers.includes('kube-proxy')) return []
  // The module makes its limit of a hash size that it is given.
  const option = hashsizeOption(facts)
  const given = option && { ...option, value: 8 * option.value }
  const isKept = given === null ? isOwnLimit(facts) : given.value === max
  return isKept ? [] : [{ name: 'the limit', what: key, value: max, given }]
}

/** kube-proxy sets it, too, at each start. */
function hashLost(facts: Facts): Lost[] {
  const { buckets } = facts
  if (!buckets || facts.managers.includes('kube-proxy')) return []
  const given = hashAtBoot(facts)
  // More of them harm nobody.
  const isKept = given === null ? isOwnHash(facts) : given.value >= buckets
  return isKept ? [] : [{ name: 'the hash size', what: 'the number of buckets', value: buckets, given }]
}
