/** Configuration that speaks of conntrack, in the order in which this host's boot applies it. */
import { plain } from '../lang/text.ts'
import type { Facts, InitSystem, Setting, SysctlSetting } from './facts.ts'
import type { FoundLine, Look } from './look.ts'

/** Directories of drop-ins, first wins: a file masks its namesakes further down. */
const ROOTS = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib']

const MODULE_NAMES = /conntrack|\b(nf|ip|iptable|ip6table|nft_chain)_nat|xt_state|xt_CT|NOTRACK|nft_ct/

/** Lines of drop-in files of one kind that are in force, sorted as boot reads them: by base name. */
function dropIns(look: Look, kind: string): FoundLine[] {
  const known = (look.sections.get('names') ?? '').split('\n')
  const priority = (path: string): number => ROOTS.findIndex(root => path.startsWith(`${root}/${kind}/`))
  const lines = look.lines.filter(({ file }) => priority(file) !== -1)
  const first = new Map<string, number>()
  for (const path of [...known, ...lines.map(({ file }) => file)]) {
    const rank = priority(path)
    if (rank !== -1) first.set(baseName(path), Math.min(rank, first.get(baseName(path)) ?? rank))
  }
  const isMasked = (file: string): boolean => priority(file) > (first.get(baseName(file)) ?? 0)
  return lines
    .filter(({ file }) => !isMasked(file))
    .toSorted((a, b) => compare(baseName(a.file), baseName(b.file)) || a.line - b.line)
}

/** Sysctl assignments of conntrack keys; the last one wins. */
export function sysctlSettings(look: Look, init: InitSystem, ufw: Facts['ufw']): SysctlSetting[] {
  const system = inBootOrder(look, init).flatMap(line => assignment(line, 'sysctl'))
  const ufwFile = ufw?.enabled ? ufw.sysctlFile : null
  const later = look.lines.filter(({ file }) => file === ufwFile).flatMap(line => assignment(line, 'ufw'))
  const reapplies = tunedReapplies(look)
  const tuned = tunedLines(look).flatMap(line => assignment(line, reapplies ? 'tuned-first' : 'tuned'))
  if (tuned.length === 0) return [...system, ...later]
  if (!reapplies) return [...system, ...later, ...tuned]
  // By default tuned applies what is in /etc and /run once more, over its own profile.
  const isVendor = ({ file }: Setting): boolean => !/^\/(etc|run)\//.test(file)
  return [...system.filter(isVendor), ...later, ...tuned, ...system.filter(setting => !isVendor(setting))]
}

function inBootOrder(look: Look, init: InitSystem): FoundLine[] {
  const directories = dropIns(look, 'sysctl.d')
  const single = look.lines.filter(({ file }) => file === '/etc/sysctl.conf')
  // systemd-sysctl reads /etc/sysctl.conf only where a link in sysctl.d leads to it; that link is read as a drop-in.
  if (init === 'systemd') return directories
  // rc.sysinit of RHEL 5 and 6 reads the file first, the directory after it; others read the file last.
  return look.present.has('/etc/rc.d/init.d') ? [...single, ...directories] : [...directories, ...single]
}

function assignment({ file, line, text }: FoundLine, appliedBy: SysctlSetting['appliedBy']): SysctlSetting[] {
  // A leading - only says that a failure does not matter; tuned compares with > and <.
  const match = /^-?\s*([A-Za-z0-9_./*-]*conntrack[A-Za-z0-9_./*-]*)\s*=\s*[<>]?(.*)$/.exec(text)
  if (!match) return []
  const [, key = '', value = ''] = match
  const unquoted = appliedBy === 'sysctl' ? value : value.replace(/^"(.*)"$/, '$1')
  return [{ file, line, text: plain(text), key: key.replaceAll('/', '.'), value: plain(unquoted.trim()), appliedBy }]
}

/** Lines of the active profiles and of what they include. */
function tunedLines(look: Look): FoundLine[] {
  const files = look.lines.filter(({ file }) => /\/tuned\/.*\/tuned\.conf$/.test(file))
  const profileOf = (file: string): string => file.split('/').at(-2) ?? ''
  const active = new Set((look.values.get('/etc/tuned/active_profile') ?? []).join(' ').split(/\s+/))
  // A set grows while it is walked, so what an include adds is followed too.
  for (const profile of active) {
    for (const { text } of files.filter(({ file, text }) => profileOf(file) === profile && /^include\s*=/.test(text))) {
      for (const name of text.slice(text.indexOf('=') + 1).split(/[\s,;]+/)) active.add(name)
    }
  }
  const isOwn = (file: string): boolean => file.startsWith('/etc/')
  return files.filter(
    ({ file }) =>
      active.has(profileOf(file)) &&
      (isOwn(file) || !files.some(other => isOwn(other.file) && profileOf(other.file) === profileOf(file))),
  )
}

function tunedReapplies(look: Look): boolean {
  const line = look.lines.find(
    ({ file, text }) => file === '/etc/tuned/tuned-main.conf' && text.startsWith('reapply_sysctl'),
  )
  return !/=\s*(0|false|no)\b/i.test(line?.text ?? '')
}

/** Where the kernel shows what it was started with. */
export const COMMAND_LINE = '/proc/cmdline'

/** Options of the module that the kernel was started with, as modprobe reads them, too. */
function startedWith(look: Look): Setting[] {
  const line = look.lines.find(({ file }) => file === COMMAND_LINE)?.text ?? ''
  return [...line.matchAll(/(?:^| )(nf_conntrack|ip_conntrack)\.(hashsize=\d+)(?= |$)/g)].map(([, module, option]) => ({
    file: COMMAND_LINE,
    line: 1,
    text: `options ${module} ${option}`,
  }))
}

/** Lines of modprobe.d that name conntrack modules, and what the kernel itself was started with. */
export function modprobeSettings(look: Look, init: InitSystem): Setting[] {
  const single = look.lines.filter(({ file }) => file === '/etc/modprobe.conf')
  // kmod reads *.conf only; what came before it read any file but backups.
  const isRead = (file: string): boolean =>
    file.endsWith('.conf') || (init !== 'systemd' && /^[\w-]+$/.test(baseName(file)))
  return [...single, ...dropIns(look, 'modprobe.d').filter(({ file }) => isRead(file))]
    .filter(({ text }) => /^(options|install|remove|blacklist|softdep|alias)\s/.test(text) && MODULE_NAMES.test(text))
    .map(toSetting)
    .concat(startedWith(look))
}

/** Lines that load conntrack modules at boot, in the files this init system reads. */
export function moduleLoadSettings(look: Look, init: InitSystem): Setting[] {
  const files: Record<InitSystem, RegExp> = {
    systemd: /^\/etc\/sysconfig\/modules\//,
    openrc: /^\/etc\/(modules|conf\.d\/modules)$/,
    sysvinit: /^\/etc\/(modules$|sysconfig\/modules\/)/,
    procd: /^\/etc\/modules(-boot)?\.d\//,
    unknown: /^\/etc\/(modules$|sysconfig\/modules\/)/,
  }
  const others = look.lines.filter(({ file }) => files[init].test(file))
  return [...(init === 'procd' ? [] : dropIns(look, 'modules-load.d')), ...others]
    .filter(({ text }) => MODULE_NAMES.test(text) && !/^[#;]/.test(text))
    .map(toSetting)
}

/** ufw's own place for sysctls, applied at every start and reload. null: no ufw here. */
export function ufwOf(look: Look): Facts['ufw'] {
  if (!look.present.has('/etc/ufw')) return null
  const enabled = look.lines.some(({ file, text }) => file === '/etc/ufw/ufw.conf' && /^ENABLED=["']?yes\b/i.test(text))
  const sysctlFile = /^ufw (\/.*)$/m.exec(look.sections.get('places') ?? '')?.[1]
  return { enabled, sysctlFile: sysctlFile ?? null }
}

function toSetting({ file, line, text }: FoundLine): Setting {
  return { file, line, text: plain(text) }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** By bytes, as boot sorts; not as a language does. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
