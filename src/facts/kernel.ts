/** The conntrack of the kernel: names, numbers, counters, log. */
import { ProbeError } from '../errors.ts'
import { plain } from '../lang/text.ts'
import type { Facts, Family, LogEvidence, Stats } from './facts.ts'
import { type FoundLine, type Look, notANumber, numberIn } from './look.ts'

/** Where a family keeps its sysctls. */
function sysctls(family: Family): string {
  return family === 'nf_conntrack'
    ? '/proc/sys/net/netfilter/nf_conntrack'
    : '/proc/sys/net/ipv4/netfilter/ip_conntrack'
}

/** Path of a family's limit. */
export function maxPath(family: Family): string {
  return `${sysctls(family)}_max`
}

/** By the files that exist. Kernels from 2.6.20 to 4.8 show both; the ip_ names are then copies. */
export function familyOf(look: Look): Family | null {
  const families: readonly Family[] = ['nf_conntrack', 'ip_conntrack']
  const shows = (family: Family): boolean =>
    look.values.has(maxPath(family)) || look.values.has(`/proc/net/stat/${family}`)
  return families.find(shows) ?? families.find(family => loadedModules(look).has(family)) ?? null
}

function loadedModules(look: Look): Set<string> {
  return new Set((look.values.get('/proc/modules') ?? []).map(line => line.split(' ', 1)[0] ?? ''))
}

/** Built in, too, has a directory in /sys/module, for its parameters; only what was loaded has a state there. */
export function providerOf(look: Look, family: Family | null): Facts['providedBy'] {
  if (family === null) return 'absent'
  const loaded = loadedModules(look).has(family) || look.values.has(`/sys/module/${family}/initstate`)
  return loaded ? 'module' : 'builtin'
}

type Numbers = Pick<Facts, 'count' | 'max' | 'buckets' | 'usage' | 'timeouts' | 'stats'>

/** The table in numbers. */
export function numbersOf(look: Look, family: Family | null): Numbers {
  if (family === null) return { count: null, max: null, buckets: null, usage: null, timeouts: {}, stats: null }
  const base = sysctls(family)
  const count = numberIn(look, `${base}_count`)
  const max = numberIn(look, maxPath(family))
  return {
    count,
    max,
    // The sysctl could be stale after a write to the parameter, so the parameter is asked first.
    buckets: numberIn(look, `/sys/module/${family}/parameters/hashsize`) ?? numberIn(look, `${base}_buckets`),
    // 0 means unlimited on older kernels.
    usage: count === null || max === null || max <= 0 ? null : count / max,
    timeouts: timeoutsOf(look, `${base}_`),
    stats: statsOf(look, look.values, family),
  }
}

function timeoutsOf(look: Look, prefix: string): Record<string, number> {
  const named = [...look.values.keys()].flatMap(path => {
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : ''
    // frag6 waits for fragments, not for connections.
    if (!name.includes('_timeout') || name.startsWith('frag6')) return []
    const seconds = numberIn(look, path)
    return seconds === null ? [] : [[name.replace('_timeout', ''), seconds] as const]
  })
  return Object.fromEntries(named)
}

/** Each of its own values, by the target of a change; what nobody can write, or is another module's, left out. */
export function writtenOf(look: Look): Record<string, string> {
  const family = familyOf(look)
  if (family === null) return {}
  const prefix = `${sysctls(family)}_`
  const hashsize = `/sys/module/${family}/parameters/hashsize`
  const found = [...look.values].flatMap(([path, [text]]) => {
    const value = plain(text?.trim() ?? '')
    if (value === '' || (path !== hashsize && !path.startsWith(prefix))) return []
    // Fragments are gathered by nf_defrag, which stays.
    if (/^(count|buckets|frag6_.*)$/.test(path.slice(prefix.length))) return []
    return [[path === hashsize ? path : path.slice('/proc/sys/'.length).replaceAll('/', '.'), value] as const]
  })
  return Object.fromEntries(found)
}

/** Columns by the header's names, since kernels renamed them; values are hexadecimal, a row for each CPU. */
export function statsOf(look: Look, values: Look['values'], family: Family): Stats | null {
  return statsAt(look, values, `/proc/net/stat/${family}`)
}

/** The same of the file of another namespace. */
export function statsAt(look: Look, values: Look['values'], path: string): Stats | null {
  const [header, ...rows] = values.get(path) ?? []
  if (header === undefined || rows.length === 0) return null
  const names = header.trim().split(/\s+/)
  const sums = new Map(names.map(name => [name, 0]))
  rows.forEach((row, cpu) => {
    const cells = row.trim().split(/\s+/)
    names.forEach((name, i) => {
      const cell = cells[i] ?? ''
      if (!/^[0-9a-fA-F]{1,16}$/.test(cell)) throw notANumber(look, `${path} (${name})`, cell)
      const value = Number.parseInt(cell, 16)
      if (name !== 'entries') sums.set(name, (sums.get(name) ?? 0) + value)
      else if (cpu === 0) sums.set(name, value)
    })
  })
  return { counters: Object.fromEntries(sums), cpus: rows.length }
}

/** An empty section means that no log could be read at all: the probe names its source as soon as there was a line. */
export function logOf(look: Look, section: string): LogEvidence | null {
  const source = (['dmesg', 'journal', 'file'] as const).find(name => section.startsWith(`source ${name}\n`))
  if (source === undefined) return null
  const own = /^net:\[(\d+)\]$/.exec(look.entries.get('/proc/self/ns/net')?.leadsTo ?? '')?.[1]
  const isOwn = (where: string): boolean => where === '-' || where === own
  const counts = [...section.matchAll(/^count (\d+) (\S+)$/gm)].map(([, n, where = '-']) => ({ n: Number(n), where }))
  const sum = (list: typeof counts): number => list.reduce((total, { n }) => total + n, 0)
  const kept = [...section.matchAll(/^line (.*)$/gm)].map(([, text = '']) => text)
  const whereOf = (text: string): string => /in netns (\d+)/.exec(text)?.[1] ?? '-'
  const elsewhere = counts.filter(({ where }) => !isOwn(where))
  const lines = sum(counts.filter(({ where }) => isOwn(where)))
  // Where only the others' lines were kept, its own are older than the first of them.
  const newest = (own: boolean): number | null =>
    secondsIn(kept.findLast(text => isOwn(whereOf(text)) === own) ?? kept[0] ?? '')
  const expected = Number(/^expect (\d+)$/m.exec(section)?.[1] ?? 0)
  const [elsewhereAt, expectationAt] = [newest(false), secondsIn(/^expected (.*)$/m.exec(section)?.[1] ?? '')]
  return {
    lines,
    otherNamespaceLines: sum(elsewhere),
    ...(elsewhere.length > 0 ? { byNamespace: Object.fromEntries(elsewhere.map(({ n, where }) => [where, n])) } : {}),
    ...(elsewhere.length > 0 && elsewhereAt !== null ? { elsewhereAtSeconds: elsewhereAt } : {}),
    ...(expected > 0 ? { expectationLines: expected } : {}),
    ...(expected > 0 && expectationAt !== null ? { expectationAtSeconds: expectationAt } : {}),
    lastAtSeconds: lines > 0 ? newest(true) : null,
    source,
  }
}

/** `[   95.300]`, as the kernel has it; logs without times have none. */
function secondsIn(text: string): number | null {
  const at = /\[\s*(\d+\.\d+)\]/.exec(text)
  return at ? Number(at[1]) : null
}

/** `tcp ESTABLISHED` → `tcp_established`: the timeout that entries of that state run on. */
export function statesOf(look: Look): Facts['states'] {
  const section = look.sections.get('states')
  const rows = [...(section ?? '').matchAll(/^(\d+) (\S+) (\S+)$/gm)]
  if (section === undefined || (rows.length === 0 && !isTableReadable(look))) return null
  const states = new Map<string, number>()
  for (const [, count, protocol = '', state = ''] of rows) {
    const name = timeoutName(protocol, state)
    states.set(name, (states.get(name) ?? 0) + Number(count))
  }
  return Object.fromEntries(states)
}

function isTableReadable(look: Look): boolean {
  return ['/proc/net/nf_conntrack', '/proc/net/ip_conntrack'].some(path => look.present.get(path)?.readable)
}

function timeoutName(protocol: string, state: string): string {
  if (protocol === 'unknown') return 'generic'
  if (state === 'assured' || state === '-') {
    // Offloaded connections show no state; only established ones are offloaded.
    if (protocol === 'tcp') return 'tcp_established'
    return state === 'assured' && ['udp', 'gre'].includes(protocol) ? `${protocol}_stream` : protocol
  }
  return `${protocol}_${state === 'SYN_SENT2' ? 'syn_sent' : state.toLowerCase()}`
}

/** Bytes of memory by /proc/meminfo. */
export function memoryOf(look: Look): Pick<Facts, 'memoryBytes' | 'memoryAvailableBytes' | 'entryBytes'> {
  const bytes = (name: string): number | null => {
    const text = look.lines.find(({ file, text }) => file === '/proc/meminfo' && text.startsWith(`${name}:`))?.text
    const kib = /:\s*(\d+) kB$/.exec(text ?? '')?.[1]
    return kib === undefined ? null : Number(kib) * 1024
  }
  const memoryBytes = bytes('MemTotal')
  if (memoryBytes === null) throw new ProbeError(look.host, `${look.host}: /proc/meminfo shows no MemTotal`)
  return { memoryBytes, memoryAvailableBytes: bytes('MemAvailable'), entryBytes: entryBytesIn(look.lines) }
}

/** 3.x has a slab for each namespace, with an address behind its name. */
function entryBytesIn(lines: readonly FoundLine[]): number | null {
  const slab = /^(?:nf|ip)_conntrack(?:_[0-9a-f]+)?\s+\d+\s+\d+\s+(\d+)\s/
  const row = lines.find(({ file, text }) => file === '/proc/slabinfo' && slab.test(text))
  return row ? Number(slab.exec(row.text)?.[1]) : null
}
