/** A line of modprobe.d that keeps the module from loading: at the next boot the firewall fails with it. */
import type { Facts } from '../../facts/facts.ts'
import { brokenModprobeLines } from '../../strategy/boot.ts'
import type { Rule } from '../finding.ts'

export const brokenModprobe: Rule = facts => {
  const broken = [...brokenModprobeLines(facts).map(({ message }) => message), ...refusals(facts)]
  if (broken.length === 0) return null
  return {
    code: 'broken-modprobe-line',
    severity: 'critical',
    title: 'the next boot fails to load connection tracking, and every rule that needs it with it',
    evidence: broken,
    remedy: 'correct the line; nothing shows it before the next boot',
  }
}

/** The first line for a name is the one that counts. Where no rule asks for tracking, such a line is what somebody wants. */
function refusals({ modprobeSettings, statefulRules, nat, providedBy, ufw }: Facts): string[] {
  const asked = statefulRules.length > 0 || nat.evidence.some(text => !text.startsWith('interface '))
  if (providedBy === 'builtin' || !asked) return []
  const names = new Set<string>()
  return modprobeSettings.flatMap(({ file, line, text }) => {
    const [, word = '', command = ''] = /^install\s+(\S+)\s+(.*)$/.exec(text) ?? []
    const name = word.replaceAll('-', '_')
    if (!CORE.includes(name) || names.has(name)) return []
    names.add(name)
    if (!/^(\/(usr\/)?bin\/)?(true|false|:)(\s|$)/.test(command)) return []
    const fate = ufw?.enabled ? 'ufw then keeps everybody out, SSH too' : 'the host then comes up open'
    return [`${file}:${line} says "${text}", and live rules ask for connection tracking: ${fate}`]
  })
}

const CORE = ['nf_conntrack', 'ip_conntrack']
