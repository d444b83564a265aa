/**
 * The watch as OpenMetrics text. node_exporter's textfile collector reads it, too, by the rules of Prometheus's own format:
 * UNIT and EOF are comments to it. It refuses samples with a time, so there are none.
 */
import type { Reading } from '../watch/reading.ts'
import { isLost, rowOf } from '../watch/row.ts'
import type { Watched } from '../watch/watched.ts'
import { PROBE_FAMILIES } from './watch-probe.ts'

interface About {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly unit?: string
  readonly help: string
}

interface Family extends About {
  /** null: there is nothing to say of this host. */
  readonly sampleOf: (watched: Watched, epochMs: number) => number | null
}

/** Of hosts that are seen: the last value of one that is lost is not what it is now. */
const ofLast =
  (pick: (reading: Reading) => number | null) =>
  ({ link, recent }: Watched): number | null => {
    const last = recent.at(-1)
    return link !== 'live' || last === undefined ? null : pick(last)
  }

const FAMILIES: readonly Family[] = [
  {
    ...{ name: 'ctfix_host_up', type: 'gauge' },
    help: 'Whether the host answers: 1 or 0.',
    sampleOf: ({ link }) => (link === 'excluded' ? null : link === 'live' ? 1 : 0),
  },
  {
    ...{ name: 'ctfix_conntrack_entries', type: 'gauge' },
    help: 'Entries in the connection tracking table.',
    sampleOf: ofLast(({ count }) => count),
  },
  {
    ...{ name: 'ctfix_conntrack_entries_limit', type: 'gauge' },
    help: 'Most entries the table may have.',
    sampleOf: ofLast(({ max }) => max),
  },
  {
    ...{ name: 'ctfix_conntrack_buckets', type: 'gauge' },
    help: 'Hash buckets of the table.',
    sampleOf: ofLast(({ buckets }) => buckets),
  },
  {
    ...{ name: 'ctfix_conntrack_usage_ratio', type: 'gauge', unit: 'ratio' },
    help: 'Entries by the limit.',
    sampleOf: watched => (watched.link === 'live' ? rowOf(watched).usage : null),
  },
  {
    ...{ name: 'ctfix_conntrack_drops', type: 'counter' },
    help: 'Packets dropped, above all because the table was full.',
    sampleOf: ofLast(({ drops }) => drops),
  },
  {
    ...{ name: 'ctfix_conntrack_early_drops', type: 'counter' },
    help: 'Live entries thrown out to make room.',
    sampleOf: ofLast(({ earlyDrops }) => earlyDrops),
  },
  {
    ...{ name: 'ctfix_conntrack_insert_failed', type: 'counter' },
    help: 'Entries that could not be inserted.',
    sampleOf: ofLast(({ insertFailed }) => insertFailed),
  },
  {
    ...{ name: 'ctfix_conntrack_table_full_lines', type: 'counter' },
    help: 'Lines of a full table in the kernel log since the watch began.',
    sampleOf: watched => (watched.link === 'live' ? watched.lines : null),
  },
  {
    ...{ name: 'ctfix_host_last_reading_timestamp_seconds', type: 'gauge', unit: 'seconds' },
    help: 'When the host last answered.',
    sampleOf: ({ atMs }, epochMs) => (atMs === null ? null : Math.round(epochMs + atMs) / 1000),
  },
]

export interface MetricsOptions {
  /** The time of day at zero of the clock that readings are stamped by. */
  readonly epochMs: number
  /**
   * Where Prometheus's own format is read, too. There a counter is called with its `_total`, and here it must not be: a
   * family that has a HELP and no TYPE is the same to both, and what both can take without a word.
   */
  readonly forCollector?: boolean
}

/** Everything by now. */
export function metricsText(all: readonly Watched[], { epochMs, forCollector = false }: MetricsOptions): string {
  const familyLines = forCollector ? linesForBoth : linesOf
  const ofHosts = FAMILIES.flatMap(family =>
    familyLines(
      family,
      all.map(watched => ({ labels: { host: watched.host }, value: family.sampleOf(watched, epochMs) })),
    ),
  )
  const probes = all.flatMap(({ host, probes: of }) => of.map(lately => ({ host, lately })))
  const ofProbes = (probes.length === 0 ? [] : PROBE_FAMILIES).flatMap(family =>
    familyLines(
      family,
      probes.map(({ host, lately }) => ({ labels: { host, target: lately.target }, value: family.valueOf(lately) })),
    ),
  )
  const lost = all.map(rowOf).filter(isLost).length
  const about = ['# TYPE ctfix_hosts_lost gauge', '# HELP ctfix_hosts_lost Hosts that should answer and do not.']
  return `${[...ofHosts, ...ofProbes, ...about, `ctfix_hosts_lost ${lost}`, '# EOF'].join('\n')}\n`
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | null
}

function linesOf({ name, type, unit, help }: About, samples: readonly Sample[]): string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...sampleLines(type === 'counter' ? `${name}_total` : name, samples),
  ]
}

function linesForBoth(about: About, samples: readonly Sample[]): string[] {
  if (about.type !== 'counter') return linesOf(about, samples)
  const name = `${about.name}_total`
  return [`# HELP ${name} ${about.help}`, ...sampleLines(name, samples)]
}

function sampleLines(name: string, samples: readonly Sample[]): string[] {
  return samples.flatMap(({ labels, value }) => {
    if (value === null || !Number.isFinite(value)) return []
    const words = Object.entries(labels).map(([key, text]) => `${key}="${label(text)}"`)
    return [`${name}{${words.join(',')}} ${value}`]
  })
}

/** As both formats want it. */
function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
