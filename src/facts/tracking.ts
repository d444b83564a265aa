/** What holds connection tracking on a host, and what brings it back at boot: what tracking.sh printed, understood. */
import { plain } from '../lang/text.ts'
import type { DryRun, TrackingFacts } from './asked.ts'
import { writtenOf } from './kernel.ts'
import type { Look } from './look.ts'
import { needsTracking } from './rules.ts'
import type { Setting } from './setting.ts'

const TOOLS = ['update-initramfs', 'dracut', 'mkinitfs'] as const
const RUNNING_FIREWALLD = 'firewalld loads rules that need connection tracking'

/** null where nobody asked for it. */
export function trackingOf(look: Look): TrackingFacts | null {
  const modules = look.sections.get('tracking-modules')
  if (modules === undefined) return null
  const section = (name: string): string => look.sections.get(`tracking-${name}`) ?? ''
  const place = section('place')
  const services = servicesOf(section('services'))
  const saved = savedOf(section('saved'))
  return {
    available: availableOf(modules),
    dryRuns: dryRunsOf(section('dry-runs')),
    initramfs: initramfsOf(section('image')),
    savedRules: [...saved.filter(({ text }) => needsTracking(text)), ...byFirewalld(services)],
    savedUntracking: saved.filter(({ text }) => !needsTracking(text) && /\bnotrack\b/i.test(text)),
    savedSeen: [...section('saved').matchAll(/^seen (\/.*)$/gm)].map(([, file = '']) => plain(file)),
    savedUnread: unreadOf(section('saved')),
    services,
    interfaces: [...place.matchAll(/^interface (.+)$/gm)].map(([, name = '']) => plain(name)),
    otherNamespaces: Math.max(0, Number(/^namespaces (\d+)$/m.exec(place)?.[1] ?? 0) - 1),
    ownConnection: ownOf(place),
    resolvers: addressesIn(place, /^\/(?:etc|run\/systemd\/resolve)\/resolv\.conf:\s*nameserver\s+(.+)$/gm),
    ...valuesOf(look),
    timeServers: addressesIn(place, /^\/etc\/.*\.conf:\s*(?:(?:server|pool|peer)\s+|(?:Fallback)?NTP=)(.+)$/gm),
  }
}

function valuesOf(look: Look): Pick<TrackingFacts, 'values'> {
  const values = writtenOf(look)
  return Object.keys(values).length > 0 ? { values } : {}
}

/** `kernel/net/netfilter/nf-nat.ko.xz` → `nf_nat`. */
function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1)
  return plain(file.replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_'))
}

function availableOf(section: string): TrackingFacts['available'] {
  if (!section.startsWith('list')) return null
  return [...section.matchAll(/^(\S+\.ko\S*?):[ \t]*(.*)$/gm)].map(([, path = '', needs = '']) => ({
    name: moduleName(path),
    needs: needs.split(/\s+/).filter(Boolean).map(moduleName),
  }))
}

function dryRunsOf(section: string): TrackingFacts['dryRuns'] {
  const runs = section.split(/^try /m).slice(1)
  return Object.fromEntries(
    runs.map(run => {
      const [name = '', ...lines] = run.split('\n').filter(Boolean)
      return [plain(name), dryRun(name, lines)]
    }),
  )
}

/** By the lines `insmod FILE`, `builtin NAME` and `install COMMAND`, as kmod and what was before it print them. */
function dryRun(name: string, lines: readonly string[]): DryRun {
  if (lines.includes('#unreadable')) return 'unreadable'
  if (lines.some(isRefusal)) return 'refused'
  if (lines.includes('#failed')) return lines.length === 1 ? 'no-such-module' : 'unreadable'
  const last = lines.findLast(line => /^(insmod|builtin|install) /.test(line)) ?? ''
  const [verb, what = ''] = last.split(' ')
  return verb === 'install' || moduleName(what) === name ? 'loads' : 'unreadable'
}

/** A command in its place that does not load it in the end. */
function isRefusal(line: string): boolean {
  return line.startsWith('install ') && !/--ignore-install|\binsmod\b/.test(line)
}

function initramfsOf(section: string): TrackingFacts['initramfs'] {
  const path = /^image (.+)$/m.exec(section)?.[1]
  if (path === undefined) return null
  const word = /^tool (.+)$/m.exec(section)?.[1]
  const image = { path: plain(path), tool: TOOLS.find(name => name === word) ?? null }
  // Cut off, or not a name in it that every image has: nobody knows what it holds.
  if (!/^#whole$/m.test(section) || !/(^|[ /])(lib|usr|etc)$/m.test(section))
    return { ...image, holds: [], unread: true }
  const files = section.split('\n').map(line => line.trim().split(/\s+/).at(-1) ?? '')
  const holds = files.flatMap(file => {
    if (/conntrack[^/]*\.ko(\.\w+)?$/.test(file)) return moduleName(file)
    return /modprobe\.d\/[^/]*(ctfix|conntrack)[^/]*\.conf$/.test(file)
      ? plain(file.slice(file.lastIndexOf('/') + 1))
      : []
  })
  return { ...image, holds: [...new Set(holds)] }
}

function savedOf(section: string): Setting[] {
  return [...section.matchAll(/^line (\/[^:\n]*):(\d+):(.*)$/gm)].map(([, file = '', line, text = '']) => ({
    file: plain(file),
    line: Number(line),
    text: plain(text.trim()),
  }))
}

function unreadOf(section: string): string[] {
  const files = [...section.matchAll(/^unread (\/.*)$/gm)].map(([, file = '']) => plain(file))
  // Lines beyond the four hundredth may be of any file that comes after.
  return [...new Set([...files, ...(/^more$/m.test(section) ? ['more'] : [])])]
}

/** Whatever is in its zones, the chains that firewalld makes begin with the state of a connection. */
function byFirewalld(services: TrackingFacts['services']): Setting[] {
  const uses = services.some(({ name, running, enabled }) => name === 'firewalld' && (running || enabled))
  return uses ? [{ file: '/etc/firewalld/firewalld.conf', line: 1, text: RUNNING_FIREWALLD }] : []
}

function servicesOf(section: string): TrackingFacts['services'] {
  return [...section.matchAll(/^service (\S+)( running)?(?: enabled (.+))?$/gm)].map(([, name = '', running, by]) => ({
    name: plain(name),
    running: running !== undefined,
    enabled: by !== undefined,
    ...(by === undefined ? {} : { startedBy: plain(by) }),
  }))
}

function ownOf(section: string): TrackingFacts['ownConnection'] {
  const said = /^own (tracked|untracked)$/m.exec(section)?.[1]
  return said === 'tracked' || said === 'untracked' ? said : null
}

/** The words of these lines that are addresses: names would have to be asked for. */
function addressesIn(section: string, lines: RegExp): string[] {
  const words = [...section.matchAll(lines)].flatMap(([, rest = '']) =>
    rest
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  )
  return [...new Set(words.filter(isAddress))]
}

function isAddress(word: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(word) || /^[0-9a-f]*:[0-9a-f:]+(%[\w.-]+)?$/i.test(word)
}
