/** The lines by which modprobe refuses conntrack, and what else boot is told about its modules. */
import type { Facts, Family, Setting } from '../../facts/facts.ts'
import { contentOf, fileChanges, type Kept, type WantedFile } from '../edits.ts'
import { addLine, ownFile, setShellLines } from '../lines.ts'
import type { Blocker } from '../strategy.ts'

/** For kmod the first of several `install` lines counts, in the order of file names: so ours comes early. */
export const REFUSAL_FILE = '/etc/modprobe.d/00-ctfix-blacklist.conf'
const OLD_FILE = '/etc/modprobe.conf'

/** By which modules and requests conntrack comes in; what else stands on it does not load without it. */
const GATES =
  /^((nf|ip)_conntrack(_ipv[46]|_netlink)?|(nf|ip)_nat(_ipv[46])?|ip6?table_nat|nft_chain_nat(_ipv[46])?|(xt|ipt)_(conntrack|state|CT|NOTRACK|nat|MASQUERADE)|nft_ct)$/
const USUAL: Readonly<Record<Family, readonly string[]>> = {
  nf_conntrack: [
    'nf_conntrack',
    'nf_conntrack_netlink',
    'nf_nat',
    'iptable_nat',
    'ip6table_nat',
    'xt_conntrack',
    'nft_ct',
  ],
  ip_conntrack: ['ip_conntrack', 'ip_nat', 'iptable_nat', 'xt_conntrack', 'xt_state'],
}

/**
 * The core of this kernel, loaded or not; null: it has none as a module. Without a list of modules nobody can say that, and
 * the name that kernels of its age have is refused.
 */
export function coreOf({ family, kernel, tracking }: Facts): Family | null {
  if (family === null && tracking?.available == null) {
    const [, major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(kernel) ?? []).map(Number)
    return major === 2 && (minor < 6 || patch < 20) ? 'ip_conntrack' : 'nf_conntrack'
  }
  const has = (name: string): boolean => tracking?.available?.some(module => module.name === name) ?? false
  return family ?? (has('nf_conntrack') ? 'nf_conntrack' : has('ip_conntrack') ? 'ip_conntrack' : null)
}

/** Names to refuse: the core first, then by name. Never by what is loaded, or the file would change once it is not. */
export function refusedNames({ tracking }: Facts, core: Family): string[] {
  const known = tracking?.available?.map(({ name }) => name).filter(name => GATES.test(name))
  // The old name is an alias of the new module.
  const alias = core === 'nf_conntrack' ? ['ip_conntrack'] : []
  const gates = new Set([...(known ?? USUAL[core]), ...alias])
  gates.delete(core)
  return [core, ...[...gates].toSorted()]
}

function linesFor(names: readonly string[]): string[] {
  // `install` also holds for what another module pulls in; `blacklist` keeps what asks by an alias from trying.
  return names.flatMap(name => [`install ${name} /bin/false`, `blacklist ${name}`])
}

/** Before systemd, where /etc/modprobe.conf is, it is read and the directory may not be. */
function usesOldFile(facts: Facts): boolean {
  return facts.init !== 'systemd' && contentOf(facts, OLD_FILE) !== null
}

/** The file changes that keep conntrack out over a boot. */
export function refusal(facts: Facts, core: Family): Kept {
  const lines = linesFor(refusedNames(facts, core))
  const old = usesOldFile(facts)
  const others = laterInstalls(facts, core).map(({ file, line }) => `${file}:${line}`)
  const shadowed = others.length > 0 ? `; what ${others.join(', ')} says does not count any more` : ''
  const why = `without install lines whatever needs ${core} pulls it in again${shadowed}`
  const content = old ? lines.reduce<string | null>(addLine, contentOf(facts, OLD_FILE)) : ownFile(lines)
  const file: WantedFile = { path: old ? OLD_FILE : REFUSAL_FILE, content, why }
  return fileChanges(withUnseen(facts), [file, ...unloaded(facts), ...serviceSettings(facts)])
}

/** A probe that does not list the path has not seen it; the check on the host finds a file that is there all the same. */
function withUnseen(facts: Facts): Facts {
  if (facts.files.some(({ path }) => path === REFUSAL_FILE)) return facts
  return { ...facts, files: [...facts.files, { path: REFUSAL_FILE, state: null, refused: null }] }
}

/** What an earlier cure of ours tells boot to load. */
function unloaded(facts: Facts): WantedFile[] {
  const why = 'a larger table is no longer wanted: boot would try to load what is refused'
  const ours = ['/etc/modules-load.d/ctfix.conf', '/etc/sysconfig/modules/ctfix.modules']
  return ours.filter(path => contentOf(facts, path) !== null).map(path => ({ path, content: null, why }))
}

/** RHEL 5 and 6: the service loads helpers by name, and leaves modules in unless told otherwise. */
function serviceSettings(facts: Facts): WantedFile[] {
  const why = 'otherwise the service loads modules of conntrack by name, and leaves those that are loaded'
  return (['IPTABLES', 'IP6TABLES'] as const).flatMap((prefix): WantedFile[] => {
    const path = `/etc/sysconfig/${prefix.toLowerCase()}-config`
    const content = contentOf(facts, path)
    if (content === null) return []
    const listed = new RegExp(`^\\s*${prefix}_MODULES="?([^"\\n]*)"?`, 'm').exec(content)?.[1]?.split(/\s+/) ?? []
    const kept = listed.filter(name => !/conntrack|_nat/.test(name))
    const values = new Map([[`${prefix}_MODULES_UNLOAD`, 'yes']])
    if (kept.length < listed.length) values.set(`${prefix}_MODULES`, kept.join(' '))
    return [{ path, content: setShellLines(content, values), why }]
  })
}

/** `install` lines of others for what we refuse, unless they refuse it too. */
function installs(facts: Facts, core: Family): Setting[] {
  const names = refusedNames(facts, core)
  return facts.modprobeSettings.filter(({ file, text }) => {
    const [, name = '', command = ''] = /^install\s+(\S+)\s+(.*)$/.exec(text) ?? []
    return (
      file !== REFUSAL_FILE && names.includes(name.replaceAll('-', '_')) && !/^\/(usr\/)?bin\/false\b/.test(command)
    )
  })
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/**
 * True for one that may count instead of ours. kmod takes the first it reads. What was before it, and still is on RHEL 5
 * and 6, takes the last: in the one file of old that is ours, and its directory is read after it. Without systemd nobody
 * says which of them is here.
 */
function winsOver(facts: Facts, { file }: Setting): boolean {
  if (usesOldFile(facts)) return file !== OLD_FILE
  return facts.init !== 'systemd' || baseName(file) < baseName(REFUSAL_FILE)
}

function laterInstalls(facts: Facts, core: Family): Setting[] {
  return installs(facts, core).filter(setting => !winsOver(facts, setting))
}

/** Somebody else's line that would still load it, and programs that read no such lines. */
export function installBlockers(facts: Facts, core: Family): Blocker[] {
  const runs = Object.values(facts.tracking?.dryRuns ?? {})
  const silent = runs.length > 0 && runs.every(said => said === 'unreadable')
  const known = facts.init === 'procd'
  const ignored: Blocker = {
    code: 'install-ignored',
    message: `${known ? 'the loader of OpenWrt follows no install lines' : 'modprobe here shows no dry run, so it may be one that follows no install lines (that of busybox)'}: nothing would keep ${core} out`,
    forceable: !known,
  }
  const others = installs(facts, core)
    .filter(setting => winsOver(facts, setting))
    .map(({ file, line, text }) => ({
      code: 'install-wins',
      message: `${file}:${line} says "${text}", and modprobe ${facts.init === 'systemd' ? 'takes the first install line it reads' : 'may take that line instead of ours'}: remove it there first`,
      forceable: false,
    }))
  return [...(known || silent ? [ignored] : []), ...others]
}

/** Files of others that have boot load what is refused: it says so and goes on. */
export function loadWarnings(facts: Facts, core: Family): string[] {
  const names = refusedNames(facts, core)
  return facts.moduleLoadSettings
    .filter(({ file, text }) => !file.includes('ctfix') && names.includes(text.split(/\s+/).at(-1) ?? ''))
    .map(
      ({ file, line, text }) => `${file}:${line} has boot load ${text}: it will be refused, and boot says so each time`,
    )
}
