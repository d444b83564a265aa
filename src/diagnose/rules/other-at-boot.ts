/** Boot sets another value than the live one, or sets it before the module is there, and so not at all. */
import { type Kept, unlikeLive } from '../boot.ts'
import type { Rule } from '../finding.ts'

export const otherAtBoot: Rule = facts => {
  const kept = unlikeLive(facts)
  if (kept.length === 0) return null
  const size = kept.find(({ timeout }) => timeout === null)
  // A limit that somebody lowered for the time being had better not be written down.
  const lowered = size !== undefined && !size.early && size.live < Number(size.setting.value)
  return {
    code: 'other-at-boot',
    severity: 'warning',
    title: `the next boot will not give what is live, or not what is written down: ${kept.map(({ setting }) => setting.key).join(', ')}`,
    evidence: kept.map(one => describe(one, facts.family ?? '')),
    remedy: lowered
      ? 'the live limit is the lower one: put the one of the file in force, or take it away'
      : 'write down what is wanted, and have the module loaded before the file is applied',
    ...(lowered ? {} : { cure: size ? ('keep-size' as const) : ('keep-timeouts' as const) }),
  }
}

function describe({ live, early, setting: { file, line, key, value, appliedBy } }: Kept, family: string): string {
  const by = appliedBy === 'sysctl' ? '' : ` (applied by ${appliedBy.replace('-first', '')})`
  const why = early ? `, before anything has loaded ${family}: the line is skipped in silence` : ''
  return `${key} is ${live}, and ${file}:${line} sets ${value}${by}${why}`
}
