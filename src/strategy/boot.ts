/** What the next boot will do with a value: the order of files is the trap, the last writer wins. */
import type { Facts, SysctlSetting } from '../facts/facts.ts'
import type { Blocker } from './strategy.ts'

/** Name of our file in sysctl.d: sorts behind `99-sysctl.conf`, the link to /etc/sysctl.conf. */
export const OWN_SYSCTL_FILE = '/etc/sysctl.d/99-zz-ctfix.conf'

/** Where hosts without that directory have all their settings. */
export const SHARED_SYSCTL_FILE = '/etc/sysctl.conf'

/** Spellings of the one limit variable; a file may use any of them. */
const MAX_SPELLINGS = new Set([
  'net.netfilter.nf_conntrack_max',
  'net.nf_conntrack_max',
  'net.ipv4.netfilter.ip_conntrack_max',
  'net.ipv4.ip_conntrack_max',
])

/** True when both names mean the same kernel variable. */
export function sameVariable(a: string, b: string): boolean {
  return a === b || (MAX_SPELLINGS.has(a) && MAX_SPELLINGS.has(b))
}

/** Settings that are applied after the file we write and say otherwise: ours would not hold. */
export function overrides(facts: Facts, sysctlFile: string, values: ReadonlyMap<string, string>): SysctlSetting[] {
  return facts.sysctlSettings.filter(setting => {
    const wanted = [...values].find(([key]) => sameVariable(key, setting.key))
    return wanted !== undefined && wanted[1] !== setting.value && isAfter(facts, setting, sysctlFile)
  })
}

function isAfter(facts: Facts, setting: SysctlSetting, ours: string): boolean {
  if (setting.file === ours) return false
  if (setting.appliedBy === 'tuned-first') return false
  if (setting.appliedBy !== 'sysctl') return true
  // Where /etc/sysctl.conf is the file to write (RHEL 5 and 6), a directory that exists is read after it.
  if (ours === SHARED_SYSCTL_FILE) return true
  // Other inits than systemd read /etc/sysctl.conf after the directories; systemd sees it as 99-sysctl.conf.
  if (setting.file === SHARED_SYSCTL_FILE) return facts.init !== 'systemd'
  return baseName(setting.file) > baseName(ours)
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** One blocker for each place that would undo us, so that the reader can go and change it. */
export function overrideBlockers(facts: Facts, sysctlFile: string, values: ReadonlyMap<string, string>): Blocker[] {
  return overrides(facts, sysctlFile, values).map(setting => ({
    code: 'overridden-at-boot',
    message: `${setting.file}:${setting.line} sets ${setting.key} = ${setting.value}, and ${
      setting.appliedBy === 'sysctl' ? 'boot reads it after ours' : `${setting.appliedBy} applies it after boot`
    }: change or remove it there first`,
    forceable: true,
  }))
}

/**
 * modprobe.d lines that keep the module from loading. `hashsize = N` with blanks is passed on as three words,
 * the kernel refuses the empty one, and the firewall that needs the module fails to load: an open host.
 */
export function brokenModprobeLines(facts: Facts): Blocker[] {
  // What is built in takes no options from there.
  if (facts.providedBy === 'builtin') return []
  return facts.modprobeSettings.flatMap(({ file, line, text }) => {
    const why = brokenOption(text)
    if (why === null) return []
    const message = `${file}:${line} says "${text}": ${why} from loading at the next boot; write hashsize=N`
    return [{ code: 'broken-modprobe-line', message, forceable: true }]
  })
}

function brokenOption(text: string): string | null {
  if (!/^options\s+(nf|ip)[_-]conntrack\s/.test(text)) return null
  if (/\bhashsize(\s+=|=\s|=?$)/.test(text)) return 'the blanks around = stop the module'
  const value = /\shashsize=(\S*)/.exec(text)?.[1]
  const isNumber = value === undefined || /^("?)(\d+|0x[\da-f]+)\1$/i.test(value)
  return isNumber ? null : 'what is no number stops the module'
}
