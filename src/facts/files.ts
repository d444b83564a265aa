/** The files a strategy may write, as they are. */
import { plain } from '../lang/text.ts'
import type { FileFact } from './facts.ts'
import type { Look } from './look.ts'

/** The paths the probe reads whole; probe.sh has the same list. */
export const WRITABLE_FILES: readonly string[] = [
  '/etc/sysctl.conf',
  '/etc/sysctl.d/99-zz-ctfix.conf',
  '/etc/modprobe.conf',
  '/etc/modprobe.d/00-ctfix-blacklist.conf',
  '/etc/modprobe.d/ctfix.conf',
  '/etc/modprobe.d/zz-ctfix.conf',
  '/etc/modules',
  '/etc/modules-load.d/ctfix.conf',
  '/etc/sysconfig/iptables-config',
  '/etc/sysconfig/ip6tables-config',
  '/etc/sysconfig/modules/ctfix.modules',
  '/etc/sysupgrade.conf',
]

/** What keeps rules over a boot, and our own ways to do that; read where the rules are. probe.sh has the same list. */
export const OWNER_FILES: readonly string[] = [
  '/etc/iptables/rules.v4',
  '/etc/iptables/rules.v6',
  '/etc/sysconfig/iptables',
  '/etc/sysconfig/ip6tables',
  '/etc/iptables/rules-save',
  '/etc/iptables/rules6-save',
  '/etc/nftables.conf',
  '/etc/sysconfig/nftables.conf',
  '/etc/nftables-ctfix.nft',
  '/etc/ufw/before.init',
  '/etc/ufw/after.init',
  '/etc/ufw/ctfix.init',
  '/etc/ctfix-notrack.nft',
  '/etc/ctfix-notrack.sh',
  '/etc/systemd/system/ctfix-notrack.service',
  '/etc/systemd/system/sysinit.target.d/ctfix.conf',
  '/etc/systemd/system/multi-user.target.d/ctfix.conf',
  '/etc/rc.d/rc2.d/S09ctfix',
  '/etc/rc.d/rc3.d/S09ctfix',
  '/etc/rc.d/rc4.d/S09ctfix',
  '/etc/rc.d/rc5.d/S09ctfix',
  '/etc/network/if-pre-up.d/ctfix',
  '/etc/local.d/ctfix.start',
]

/** The directories strategies choose from, and the one that says that ctfix has been at work here. */
const DIRECTORIES = [
  '/etc/sysctl.d',
  '/etc/modprobe.d',
  '/etc/modules-load.d',
  '/etc/modules.d',
  '/etc/sysconfig',
  '/etc/sysconfig/modules',
  '/etc/iptables',
  '/etc/ufw',
  '/etc/systemd/system',
  '/etc/systemd/system/sysinit.target.d',
  '/etc/rc.d/rc3.d',
  '/etc/network/if-pre-up.d',
  '/etc/local.d',
  '/etc/runlevels/default/local',
  '/var/lib/ctfix',
]

/** What probe.sh prints of one file, and of all of them; a saved rule set may be as large as all of them. */
const SIZE_LIMIT = 262_144
const SUM_LIMIT = 1_048_576

/** What says that the service of one family's saved rules is started at boot, or was: its link, its mark, its unit. */
export const RESTORES = /(?:invocation:|\.wants\/|\/S\d\d|\/runlevels\/[^/]+\/|\/subsys\/)(ip6?tables)(?:\.service)?$/

/**
 * Directories that exist (one of them is a link that says whether OpenRC starts its local scripts), and what says which
 * families' saved rules are restored.
 */
export function directoriesOf(look: Look): string[] {
  const restoring = [...look.present.keys()].filter(path => RESTORES.test(path))
  return [...DIRECTORIES.filter(path => look.present.has(path)), ...restoring]
}

/** Each file with its content and ownership, or why it had better be left alone. */
export function filesOf(look: Look): FileFact[] {
  const labels = labelsOf(look.sections.get('labels') ?? '')
  const asked = look.sections.has('ruleset') ? [...WRITABLE_FILES, ...OWNER_FILES] : WRITABLE_FILES
  const limitOf = (path: string): number => (OWNER_FILES.includes(path) ? SUM_LIMIT : SIZE_LIMIT)
  const sizes = asked.map(path => [path, look.entries.get(path)?.size ?? 0] as const)
  const sum = sizes.reduce((all, [path, size]) => (size > limitOf(path) ? all : all + size), 0)
  return asked.map(path => {
    const entry = look.entries.get(path)
    if (entry === undefined) return { path, state: null, refused: null }
    const refuse = (refused: string): FileFact => ({ path, state: null, refused })
    if (entry.type === 'l') return refuse(`it is a link to ${plain(entry.leadsTo ?? 'another file')}`)
    if (entry.type !== '-') return refuse('it is no regular file')
    if (entry.size > limitOf(path)) return refuse(`it is larger than ${limitOf(path) / 1024} KiB`)
    const content = look.sections.get(`file ${path}`)
    if (content === undefined)
      return refuse(sum > SUM_LIMIT ? 'it and the files before it are larger than 1 MiB' : 'it could not be read')
    // U+FFFD is what a decoder puts in the place of bytes that are no UTF-8; they could not be written back.
    if (/[\0\ufffd]/.test(content)) return refuse('it is not text')
    // ls and the read are two moments; whole means that both agree.
    if (Buffer.byteLength(content) !== entry.size) return refuse('it changed while it was read')
    const { mode, owner } = entry
    return { path, state: { content, mode, owner, label: labels.get(path) ?? null }, refused: null }
  })
}

/** `ls -dZ`: newer ones print label and path, older ones mode and names before. */
function labelsOf(section: string): ReadonlyMap<string, string> {
  return new Map(
    section.split('\n').flatMap(line => {
      const words = line.trim().split(/\s+/)
      const label = words.find(word => word.split(':').length >= 4)
      const path = words.at(-1)
      return label && path ? [[path, label] as const] : []
    }),
  )
}
