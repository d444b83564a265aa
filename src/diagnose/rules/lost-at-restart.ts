/** RHEL 5 to 7: a restart of the firewall unloads the module, and the values go with it. */
import type { Facts } from '../../facts/facts.ts'
import { formatDuration } from '../../lang/duration.ts'
import { formatCount } from '../../lang/numbers.ts'
import { isOwnHash, isOwnLimit, usualSeconds } from '../defaults.ts'
import type { Rule } from '../finding.ts'

const CONFIG = '/etc/sysconfig/iptables-config'

/** Files of sysctl are applied at boot only; the module has its options at each load, and makes its limit of them. */
export const lostAtRestart: Rule = facts => {
  const { firewall, ownsKernel, providedBy, family } = facts
  if (family === null || !ownsKernel || providedBy !== 'module' || firewall.owner !== 'iptables-services') return null
  const line = unloads(facts)
  const changed = line === null ? [] : changedIn(facts)
  if (line === null || changed.length === 0) return null
  return {
    code: 'lost-at-restart',
    severity: 'warning',
    title: `the next restart of the firewall takes ${family} out, and its values with it`,
    evidence: [`${CONFIG}:${line} has IPTABLES_MODULES_UNLOAD=yes`, ...changed],
    remedy: 'set IPTABLES_MODULES_UNLOAD to no: strategy raise does that, and keeps the values',
    cure: 'keep-size',
  }
}

/** Number of the line that says so; the last one counts. Where the script applies the sysctls again, they come back. */
function unloads({ files }: Facts): number | null {
  const lines = files.find(({ path }) => path === CONFIG)?.state?.content.split('\n') ?? []
  if (lines.some(text => /^\s*IPTABLES_SYSCTL_LOAD_LIST=.*conntrack/.test(text))) return null
  const at = lines.findLastIndex(text => /^\s*IPTABLES_MODULES_UNLOAD=/.test(text))
  return /=["']?yes\b/i.test(lines[at] ?? '') ? at + 1 : null
}

function changedIn(facts: Facts): string[] {
  const { max, buckets, timeouts } = facts
  return [
    ...(max && !isOwnLimit(facts) ? [`the limit is ${formatCount(max)}`] : []),
    ...(buckets && !isOwnHash(facts) ? [`the number of buckets is ${formatCount(buckets)}`] : []),
    ...Object.entries(timeouts).flatMap(([name, seconds]) => {
      const usual = usualSeconds(name)
      return usual.length === 0 || usual.includes(seconds) || seconds < 1
        ? []
        : [`timeout ${name} is ${formatDuration(seconds)}`]
    }),
  ]
}
