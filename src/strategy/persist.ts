/**
 * Where a value must be written so that the next boot has it.
 * The trap is order: boot applies sysctl files before anything has loaded the module, and unknown keys are skipped in
 * silence. So the module is loaded first, by name, in the way this init system has; and a hash size given to the module
 * makes max eight times as large, so max is always written too. All chosen by what the probe found on the host.
 */
import type { FileChange } from '../change/change.ts'
import type { Facts, Family } from '../facts/facts.ts'
import { brokenModprobeLines, OWN_SYSCTL_FILE, overrideBlockers, SHARED_SYSCTL_FILE } from './boot.ts'
import { contentOf, fileChanges } from './edits.ts'
import { addLine, ownFile, setModuleOption, setShellLines, setSysctlLines } from './lines.ts'
import { bucketsSysctl } from './names.ts'
import type { Blocker } from './strategy.ts'

export interface Wanted {
  /** Dotted sysctl → value. */
  readonly sysctls: ReadonlyMap<string, string>
  /** Hash size to give the module, or null to leave that alone. */
  readonly hashsize: number | null
}

export interface Persistence {
  readonly changes: readonly FileChange[]
  readonly blockers: readonly Blocker[]
}

/** The file changes that keep `wanted` over a reboot, and what would undo them. */
export function persist(facts: Facts, family: Family, wanted: Wanted): Persistence {
  const edits = new Edits(facts)
  const sysctlFile = chooseSysctlFile(facts)
  const viaModule = facts.providedBy === 'module' && facts.init !== 'procd'
  const sysctls = new Map(wanted.sysctls)
  // Without a module that takes options, the sysctl is the only way to a hash size at boot.
  if (wanted.hashsize !== null && !viaModule) sysctls.set(bucketsSysctl(family), String(wanted.hashsize))

  edits.write(sysctlFile, old => setSysctlLines(old, sysctls), 'kept over a reboot')
  if (viaModule) {
    loadModuleEarly(facts, family, edits)
    if (wanted.hashsize !== null) giveModuleOption(family, wanted.hashsize, edits)
    keepModuleLoaded(edits)
  }
  if (facts.init === 'procd') {
    edits.ifPresent('/etc/sysupgrade.conf', old => addLine(old, sysctlFile), 'kept over a firmware upgrade')
  }
  const blockers = [...overrideBlockers(facts, sysctlFile, sysctls), ...(viaModule ? brokenModprobeLines(facts) : [])]
  return { changes: edits.changes, blockers: [...blockers, ...edits.blockers] }
}

function chooseSysctlFile(facts: Facts): string {
  // systemd reads its directories, and /etc/sysctl.conf only through a link in one of them.
  if (facts.init === 'systemd') return OWN_SYSCTL_FILE
  // RHEL 5 and 6: rc.sysinit reads /etc/sysctl.conf; the directory came late and not everywhere.
  const redHatSysv = facts.init === 'sysvinit' && facts.directories.includes('/etc/sysconfig')
  return facts.directories.includes('/etc/sysctl.d') && !redHatSysv ? OWN_SYSCTL_FILE : SHARED_SYSCTL_FILE
}

function loadModuleEarly(facts: Facts, family: Family, edits: Edits): void {
  const why = `boot applies sysctl files before anything loads ${family}: without this line the values are lost`
  const already = (name: string): boolean =>
    facts.moduleLoadSettings.some(({ file, text }) => !file.includes('ctfix') && text === name)
  const missing = keyModules(facts, family).filter(name => !already(name))
  if (missing.length === 0) return
  if (facts.init === 'systemd' || facts.directories.includes('/etc/modules-load.d')) {
    edits.write('/etc/modules-load.d/ctfix.conf', () => ownFile(missing), why)
  } else if (facts.directories.includes('/etc/sysconfig/modules')) {
    const script = `#!/bin/sh\n# Written by ctfix: rc.sysinit runs this before it applies /etc/sysctl.conf.\n${missing.map(name => `/sbin/modprobe ${name}\n`).join('')}`
    edits.write('/etc/sysconfig/modules/ctfix.modules', () => script, why, '0755')
  } else {
    edits.write('/etc/modules', old => missing.reduce<string | null>(addLine, old) ?? '', why)
  }
}

/**
 * Modules that bring the sysctls we write. Before 4.19 the TCP, UDP and ICMP timeouts came with nf_conntrack_ipv4 and
 * _ipv6, and other protocols with modules of their own: those that are loaded now must be loaded before the files apply.
 */
function keyModules(facts: Facts, family: Family): string[] {
  const parts = (facts.modules ?? [])
    .map(({ name }) => name)
    .filter(name => /^nf_conntrack_(ipv[46]|proto_\w+)$/.test(name))
  return [family, ...parts.toSorted()]
}

function giveModuleOption(family: Family, hashsize: number, edits: Edits): void {
  const option = `hashsize=${hashsize}`
  const why = 'the hash size at module load'
  // Where /etc/modprobe.conf exists (RHEL 5), it is read and modprobe.d may not be; systemd's kmod reads only modprobe.d.
  const merged = edits.isOld && edits.ifPresent('/etc/modprobe.conf', old => setModuleOption(old, family, option), why)
  if (!merged) edits.write('/etc/modprobe.d/zz-ctfix.conf', () => ownFile([`options ${family} ${option}`]), why)
}

/** RHEL 5 and 6: `service iptables restart` unloads the module by default, and every value with it. */
function keepModuleLoaded(edits: Edits): void {
  const keep = new Map([['IPTABLES_MODULES_UNLOAD', 'no']])
  const keep6 = new Map([['IP6TABLES_MODULES_UNLOAD', 'no']])
  const why = 'otherwise `service iptables restart` unloads the module and resets every value'
  edits.ifPresent('/etc/sysconfig/iptables-config', old => setShellLines(old, keep), why)
  edits.ifPresent('/etc/sysconfig/ip6tables-config', old => setShellLines(old, keep6), why)
}

/** Collects edits of files the probe has read; a file it could not take over becomes a blocker. */
class Edits {
  readonly changes: FileChange[] = []
  readonly blockers: Blocker[] = []
  readonly #facts: Facts
  constructor(facts: Facts) {
    this.#facts = facts
  }

  /** The userland of before systemd, with its single configuration files. */
  get isOld(): boolean {
    return this.#facts.init !== 'systemd'
  }

  /** Edits the file only where it exists. True when it does. */
  ifPresent(path: string, edit: (old: string) => string, why: string): boolean {
    const fact = this.#facts.files.find(file => file.path === path)
    if (!fact?.state && !fact?.refused) return false
    this.write(path, old => edit(old ?? ''), why)
    return true
  }

  write(path: string, edit: (old: string | null) => string, why: string, mode = '0644'): void {
    const content = edit(contentOf(this.#facts, path))
    const { changes, blockers } = fileChanges(this.#facts, [{ path, content, mode, why }])
    this.changes.push(...changes)
    this.blockers.push(...blockers)
  }
}
