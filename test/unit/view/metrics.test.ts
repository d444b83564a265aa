import { describe, expect, it } from 'vitest'
import { metricsText } from '../../../src/view/metrics.ts'
import { watchDocument, watchEventDocument } from '../../../src/view/watch-json.ts'
import { watchSchema } from '../../../src/view/watch-schema.ts'
import { advance, unseen } from '../../../src/watch/watched.ts'
import { latelyOfTries, readingOf, watchedWith } from '../watch/readings.ts'

const lost = advance(watchedWith('db-1', [{ count: 7 }], 60_000), {
  type: 'link',
  host: 'db-1',
  link: 'lost',
  error: 'gone',
})
const probes = [
  latelyOfTries({ sent: 40, lost: 3, refused: 1, p50: 1.2, worst: 1031.4 }),
  { ...latelyOfTries({ sent: 0, why: 'not probed' }), target: 'ping' },
]
const all = [
  watchedWith(
    'web-1',
    [
      { count: 500, drops: 3 },
      { count: 512, drops: 5, log: { fresh: 9, newest: 2 } },
    ],
    60_000,
  ),
  advance(lost, { type: 'probe', host: 'db-1', probes }),
  watchedWith('a"b\\c\nd', [{ family: null, count: null, max: null, buckets: null, drops: null }], 60_000),
]

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{host="((?:[^"\\\\\\n]|\\\\["\\\\n])*)"(?:,target="[a-z0-9:]+")?\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?)$`,
)

describe('metrics', () => {
  const text = metricsText(all, { epochMs: 1_700_000_000_000 })
  const lines = text.split('\n')

  it('are OpenMetrics: every sample belongs to the family above it, with the suffixes of its type and unit', () => {
    expect(lines.splice(-2)).toEqual(['# EOF', ''])
    let [family, type, samples] = ['', '', 0]
    const seen = new Set<string>()
    for (const line of lines) {
      const [, keyword, name = '', rest = ''] = /^# (TYPE|UNIT|HELP) (\S+) (.+)$/.exec(line) ?? []
      if (keyword === 'TYPE') {
        ;[family, type] = [name, rest]
        expect(seen).not.toContain(name)
        seen.add(name)
        expect(['gauge', 'counter']).toContain(rest)
      } else if (keyword === 'UNIT') expect(name.endsWith(`_${rest}`), line).toBe(true)
      else if (keyword === undefined) {
        const [, sample] = SAMPLE.exec(line) ?? expect.unreachable(line)
        expect(sample).toBe(type === 'counter' ? `${family}_total` : family)
        samples += 1
      }
      if (keyword !== undefined) expect(name).toBe(family)
    }
    expect(samples).toBeGreaterThan(12)
  })

  it('for the collector: the same samples, each name with a HELP of its own and no TYPE that one of both formats denies', () => {
    const both = metricsText(all, { epochMs: 1_700_000_000_000, forCollector: true }).split('\n')
    const samples = (some: readonly string[]): string[] => some.filter(line => !line.startsWith('# '))
    expect(samples(both)).toEqual(samples(text.split('\n')))
    const named = (keyword: string): string[] =>
      both.flatMap(line => new RegExp(`^# ${keyword} (\\S+) `).exec(line)?.[1] ?? [])
    expect(new Set(named('HELP'))).toEqual(new Set(samples(both).flatMap(line => /^\w+/.exec(line)?.[0] ?? [])))
    // Of families whose names do not end so, both formats have the same to say.
    expect(named('TYPE').filter(name => name.endsWith('_total'))).toEqual([])
    expect(both.filter(line => line.endsWith(' counter'))).toEqual([])
  })

  it('hold what is seen now, and of a host that is lost only that', () => {
    expect(lines).toContain('ctfix_conntrack_entries{host="web-1"} 512')
    expect(lines).toContain('ctfix_conntrack_usage_ratio{host="web-1"} 0.512')
    expect(lines).toContain('ctfix_conntrack_drops_total{host="web-1"} 5')
    expect(lines).toContain('ctfix_host_up{host="db-1"} 0')
    expect(lines).toContain('ctfix_hosts_lost 1')
    expect(lines).toContain('ctfix_host_last_reading_timestamp_seconds{host="web-1"} 1700000061')
    expect(lines.filter(line => line.includes('db-1') && line.includes('conntrack'))).toEqual([])
    expect(lines).toContain('ctfix_host_up{host="a\\"b\\\\c\\nd"} 1')
  })

  it('hold what is seen from here, of a host that is lost, too; nothing of what is not measured', () => {
    expect(lines.filter(line => line.startsWith('ctfix_probe'))).toEqual([
      'ctfix_probe_sent_total{host="db-1",target="tcp:443"} 40',
      'ctfix_probe_lost_total{host="db-1",target="tcp:443"} 3',
      'ctfix_probe_refused_total{host="db-1",target="tcp:443"} 1',
      'ctfix_probe_latency_median_seconds{host="db-1",target="tcp:443"} 0.0012',
      'ctfix_probe_latency_worst_seconds{host="db-1",target="tcp:443"} 1.0314',
    ])
    expect(metricsText([lost], { epochMs: 0 })).not.toContain('ctfix_probe')
  })
})

describe('for programs', () => {
  it('a reading, a change of the connection, and the document are what the schema says', () => {
    const now = new Date(0)
    const documents = [
      watchEventDocument({ type: 'reading', host: 'web-1', reading: readingOf(), atMs: 0 }, all[0] ?? unseen('x'), now),
      watchEventDocument({ type: 'link', host: 'db-1', link: 'lost', error: 'gone \u001b[2J' }, lost, now),
      watchEventDocument({ type: 'probe', host: 'db-1', probes }, lost, now),
      watchDocument([...all, unseen('new')], { exitCode: 3, intervalSeconds: 2, now, nowMs: 61_000 }),
    ]
    for (const document of documents) expect(watchSchema.safeParse(document).error).toBeUndefined()
    expect(documents[0]).toMatchObject({ count: 512, usage: 0.512, entries_per_second: 12, drops_per_second: 2 })
    expect(documents[2]).toMatchObject({
      type: 'probe',
      probes: [{ window: { lost: 3 } }, { window: null, total: null }],
    })
    expect(documents[3]).toMatchObject({ hosts: [{ probes: [] }, { probes: [{ target: 'tcp:443' }, {}] }, {}, {}] })
    expect(JSON.stringify(documents)).not.toContain('\u001b')
  })
})
