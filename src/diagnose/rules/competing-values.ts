/** Several owners of one value: files that contradict each other, or a program that writes its own over all of them. */
import type { Facts, SysctlSetting } from '../../facts/facts.ts'
import { OWN_SYSCTL_FILE, sameVariable } from '../../strategy/boot.ts'
import type { Rule } from '../finding.ts'

export const competingValues: Rule = facts => {
  const clashes = clashing(facts)
  const orchestrated = facts.managers.includes('kube-proxy') ? facts.sysctlSettings.filter(isOfKubeProxy) : []
  if (clashes.length === 0 && orchestrated.length === 0) return null
  return {
    code: 'competing-values',
    severity:
      orchestrated.length > 0 || clashes.some(([winner]) => winner.file !== OWN_SYSCTL_FILE) ? 'warning' : 'notice',
    title: `several owners set one value: ${[...new Set([...clashes.map(([{ key }]) => key), ...orchestrated.map(({ key }) => key)])].join(', ')}`,
    evidence: [
      ...clashes.map(
        ([winner, ...others]) =>
          `${describe(winner)} wins over ${others.map(describe).join(' and ')}${winner.appliedBy === 'sysctl' ? ': it is read later' : ''}`,
      ),
      ...orchestrated.map(setting => `kube-proxy writes its own at each start over ${describe(setting)}`),
    ],
    remedy:
      orchestrated.length > 0
        ? 'set it in the KubeProxyConfiguration (conntrack.maxPerCore, min, tcpEstablishedTimeout), and nowhere else'
        : 'keep one of them, and take the others away',
  }
}

function describe({ file, line, value, appliedBy }: SysctlSetting): string {
  const by = appliedBy === 'sysctl' ? '' : `, applied by ${appliedBy.replace('-first', '')}`
  return `${file}:${line} (${value}${by})`
}

/** What a package or a profile brings is there to be overruled by a file in /etc. */
function isDefault({ file, appliedBy }: SysctlSetting): boolean {
  return appliedBy === 'tuned-first' || !/^\/(etc|run|usr\/local)\//.test(file)
}

/** For each variable that has several values: the setting that wins, and those that lose. */
function clashing({ sysctlSettings }: Facts): [SysctlSetting, ...SysctlSetting[]][] {
  return sysctlSettings.flatMap((winner, i): [SysctlSetting, ...SysctlSetting[]][] => {
    const isSame = ({ key }: SysctlSetting): boolean => sameVariable(key, winner.key)
    if (sysctlSettings.slice(i + 1).some(isSame)) return []
    const losers = sysctlSettings
      .slice(0, i)
      .filter(one => isSame(one) && one.value !== winner.value && (isDefault(winner) || !isDefault(one)))
    return losers.length === 0 ? [] : [[winner, ...losers]]
  })
}

function isOfKubeProxy({ key }: SysctlSetting): boolean {
  return /conntrack_(max|tcp_timeout_(established|close_wait)|udp_timeout(_stream)?)$/.test(key)
}
