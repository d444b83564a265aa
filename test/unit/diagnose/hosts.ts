/** Recorded hosts, and what small deltas make of them: five that are well, and those that are ill in a known way. */
import { readFileSync } from 'node:fs'
import type { Severity } from '../../../src/diagnose/finding.ts'
import type { Census, CensusState } from '../../../src/facts/asked.ts'
import type { Facts, Setting, SysctlSetting } from '../../../src/facts/facts.ts'
import { parseProbe } from '../../../src/facts/parse.ts'
import { makeFacts } from '../../support/facts.ts'

/** Facts as the probe brought them from a recorded platform. */
export function recorded(platform: string): Facts {
  const output = readFileSync(new URL(`../../facts/${platform}/probe.txt`, import.meta.url), 'utf8')
  return parseProbe(platform, output, /@@(\S+) /.exec(output)?.[1] ?? '')
}

/** With some facts replaced; the usage follows. */
export function but(facts: Facts, differences: Partial<Facts>): Facts {
  const altered = { ...facts, ...differences }
  const { count, max } = altered
  return { ...altered, usage: max && count !== null ? count / max : null }
}

export function counters(facts: Facts, changed: Readonly<Record<string, number>>): Facts['stats'] {
  return facts.stats && { ...facts.stats, counters: { ...facts.stats.counters, ...changed } }
}

/** Ten seconds before the look, with other counters and another count. */
export function before(facts: Facts, changed: Readonly<Record<string, number>>, count = facts.count): Facts['earlier'] {
  const { log } = facts
  return { stats: counters(facts, changed), ...(count === null ? {} : { count }), log, secondsBefore: 10 }
}

type StateRow = readonly [protocol: string, state: string | null, Partial<CensusState>]

export function censusOf(rows: readonly StateRow[], more: Partial<Census> = {}): Census {
  const states = rows.map(([protocol, state, numbers]) => ({
    ...{ protocol, state, entries: 0, assured: 0, unreplied: 0, idle: 0 },
    ...numbers,
  }))
  const total = states.reduce((sum, { entries }) => sum + entries, 0)
  return {
    source: 'proc',
    rows: total,
    cut: null,
    count: total,
    states,
    ports: [],
    peers: [],
    half: [],
    expectations: 0,
    namespaces: [],
    ...more,
  }
}

const at = (file: string, line: number, text: string): Setting => ({ file, line, text })

/** A line of sysctl.d. */
export function sysctl(file: string, key: string, value: number): SysctlSetting {
  return { ...at(file, 1, `${key} = ${value}`), key, value: String(value), appliedBy: 'sysctl' }
}

export const MAX = 'net.netfilter.nf_conntrack_max'
const OURS = '/etc/sysctl.d/99-zz-ctfix.conf'
const LOADED = at('/etc/modules-load.d/ctfix.conf', 2, 'nf_conntrack')

/** The recorded full host after `apply --strategy raise`, and after the reboot. */
export function curedDebian(): Facts {
  const full = recorded('debian12-full')
  return but(full, {
    ...{
      count: 900,
      max: 65_536,
      buckets: 65_536,
      log: { lines: 0, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' as const },
    },
    stats: counters(full, { drop: 0, early_drop: 0, insert_failed: 0 }),
    sysctlSettings: [sysctl(OURS, MAX, 65_536)],
    modprobeSettings: [at('/etc/modprobe.d/zz-ctfix.conf', 2, 'options nf_conntrack hashsize=65536')],
    moduleLoadSettings: [LOADED],
    directories: ['/etc/sysctl.d', '/etc/modprobe.d', '/etc/modules-load.d', '/var/lib/ctfix'],
    files: makeFacts().files,
  })
}

/** The limit that its kernel gave it, before anybody came. */
export function plainDebian(differences: Partial<Facts> = {}): Facts {
  const cured = curedDebian()
  const { sysctlSettings: _, modprobeSettings: __, moduleLoadSettings: ___, ...rest } = cured
  const own = { sysctlSettings: [], modprobeSettings: [], moduleLoadSettings: [] }
  return but({ ...rest, ...own }, { directories: cured.directories.slice(0, 3), ...differences })
}

/** A save of iptables, as facts have it. */
export function rules(...lines: readonly string[]): Facts['ruleset'] {
  const text = `${lines.join('\n')}\n`
  return { complete: true, sources: [{ backend: 'iptables-legacy', family: 4, format: 'save', text }] }
}

export const calm = plainDebian()
export const cured = curedDebian()
export const WEB = '198.51.100.20'
export const logged = (lines: number, lastAtSeconds: number | null = 86_000): Facts['log'] =>
  calm.log && { ...calm.log, lines, lastAtSeconds }

/** 60,000 connections of one service, with a proxy before it. */
export const busy = censusOf(
  [
    ['tcp', 'ESTABLISHED', { entries: 45_000, assured: 45_000, idle: 2_000 }],
    ['tcp', 'TIME_WAIT', { entries: 15_000, assured: 15_000 }],
  ],
  {
    ports: [{ protocol: 'tcp', port: 8080, entries: 58_000, served: 58_000 }],
    peers: [{ address: WEB, entries: 50_000 }],
  },
)

export interface Case {
  readonly host: string
  readonly facts: Facts
  /** Code of each finding and its severity, in the order in which they are told. */
  readonly finds: readonly (readonly [string, Severity])[]
  /** What the first of them says, at least. */
  readonly says: RegExp
  readonly recommends: readonly string[]
}
