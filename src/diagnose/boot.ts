/** What the next boot makes of values that are live now. */
import type { Facts, Setting, SysctlSetting } from '../facts/facts.ts'
import { COMMAND_LINE } from '../facts/settings.ts'
import { sameVariable } from '../strategy/boot.ts'
import { bucketsSysctl, maxSysctl, timeoutSysctl } from '../strategy/names.ts'
import { wholePages } from '../strategy/sizing.ts'
import { usualSeconds } from './defaults.ts'

/** The last file that sets the variable wins. */
export function lastSetting({ sysctlSettings }: Facts, key: string): SysctlSetting | null {
  return sysctlSettings.findLast(setting => sameVariable(setting.key, key)) ?? null
}

/** What the boot gives, and the line that says so. */
export interface Given {
  readonly setting: Setting
  readonly value: number
}

/** `hashsize=N`: of modprobe.d, and of the kernel's own command line, which is all that is asked where it is built in. */
export function hashsizeOption(facts: Facts): Given | null {
  const { modprobeSettings, family, providedBy } = facts
  if (family === null) return null
  const found = modprobeSettings.flatMap(setting => {
    const value = new RegExp(`^options\\s+${family.replace('_', '[_-]')}\\s(?:.*\\s)?hashsize="?(\\d+)`).exec(
      setting.text,
    )?.[1]
    if (value === undefined || (providedBy === 'builtin' && setting.file !== COMMAND_LINE)) return []
    return [{ setting, value: wholePages(facts, family, Number(value)) }]
  })
  return found.at(-1) ?? null
}

/** Buckets that a file sets; null where boot gives what the kernel chooses. The sysctl comes after the module. */
export function hashAtBoot(facts: Facts): Given | null {
  const { family } = facts
  if (family === null) return null
  const setting = lastSetting(facts, bucketsSysctl(family))
  const isApplied = setting !== null && /^\d{1,10}$/.test(setting.value) && !isAppliedTooEarly(facts, setting)
  return isApplied ? { setting, value: wholePages(facts, family, Number(setting.value)) } : hashsizeOption(facts)
}

/** Why a value that a file sets is lost all the same: boot applies such files before anything has loaded the module. */
function isAppliedTooEarly(facts: Facts, setting: SysctlSetting): boolean {
  const { family, init, providedBy, moduleLoadSettings, modprobeSettings } = facts
  if (init !== 'systemd' || providedBy !== 'module' || setting.appliedBy !== 'sysctl' || family === null) return false
  const names = moduleLoadSettings.map(({ text }) => text.split(/\s/)[0]?.replaceAll('-', '_') ?? '')
  // Whatever else of conntrack is named there needs it; but newer kernels have no module of that name for each family.
  const isThere = (name: string): boolean => facts.modules?.some(module => module.name === name) ?? false
  const isLoaded = names.some(name => name === family || !/^nf_conntrack_ipv[46]$/.test(name) || isThere(name))
  // As firewalld has it: each time the module is loaded its values are applied again.
  const isApplied = modprobeSettings.some(({ text }) => /^install\s+nf_conntrack\s.*sysctl/.test(text))
  return !isLoaded && !(isApplied && setting.key.startsWith('net.netfilter.'))
}

/** Live timeouts that somebody set and no file keeps. Where kube-proxy is, it sets them at each start. */
export function unkeptTimeouts(facts: Facts): [name: string, seconds: number][] {
  const { family } = facts
  if (family === null || facts.managers.includes('kube-proxy')) return []
  return Object.entries(facts.timeouts).filter(([name, seconds]) => {
    const usual = usualSeconds(name)
    // What is 0 or less nobody wants to keep.
    if (usual.length === 0 || usual.includes(seconds) || seconds < 1) return false
    return lastSetting(facts, timeoutSysctl(family, name)) === null
  })
}

/** Sysctl of the limit, where there is a table of this host's own. */
export function limitKey({ family, ownsKernel }: Facts): string | null {
  return family === null || !ownsKernel ? null : maxSysctl(family)
}

/** A live value, and what the last file that names it sets. */
export interface Kept {
  /** Its name among the timeouts; null: it is the limit. */
  readonly timeout: string | null
  readonly live: number
  readonly setting: SysctlSetting
  /** The file is applied before there is anything to apply it to: it was skipped at this boot, and will be at the next. */
  readonly early: boolean
}

/** Values that a file sets, and that the next boot will not have as they are, or not as the file says. */
export function unlikeLive(facts: Facts): readonly Kept[] {
  const key = limitKey(facts)
  const { family, max } = facts
  if (key === null || family === null || facts.managers.includes('kube-proxy')) return []
  const live: [timeout: string | null, value: number | null, key: string][] = [
    [null, max, key],
    ...Object.entries(facts.timeouts).map(([name, n]): [string, number, string] => [
      name,
      n,
      timeoutSysctl(family, name),
    ]),
  ]
  return live.flatMap(([timeout, value, name]) => {
    const setting = lastSetting(facts, name)
    if (setting === null || value === null) return []
    const early = isAppliedTooEarly(facts, setting)
    return early || setting.value !== String(value) ? [{ timeout, live: value, setting, early }] : []
  })
}

/** What it should be after a boot: what was written down and skipped, else what somebody set by hand since. */
export function wantedOf({ early, live, setting }: Kept): number {
  return early && /^\d{1,10}$/.test(setting.value) ? Number(setting.value) : live
}
