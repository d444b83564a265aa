/** What is recommended where the table cannot grow, by whose services fill it. */
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { makeFacts } from '../../support/facts.ts'
import { but, calm, censusOf, counters, rules } from './hosts.ts'

const FILTER = ['*filter', ':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]']
const LIVE = [
  ...FILTER,
  '-A INPUT -p icmp -j ACCEPT',
  '-A INPUT -p tcp -m multiport --dports 22,8080 -j ACCEPT',
  'COMMIT',
]
const SMALL = { memoryBytes: 64 * 1024 ** 2, memoryAvailableBytes: 20 * 1024 ** 2 }

/** Full of connections to one port, so many of them to services of this host; without memory for a larger table. */
function full(served: number | null): Facts {
  const ports = [
    { protocol: 'tcp', port: 5432, entries: 61_000 - (served ?? 0), served: 0 },
    { protocol: 'tcp', port: 8080, entries: served ?? 50_000, served },
  ]
  const ruleset = rules(...LIVE)
  const { files } = makeFacts({ ruleset })
  return but(calm, {
    ...{ ...SMALL, ruleset, files, count: 65_536, stats: counters(calm, { drop: 5 }), ipv6: false },
    tools: makeFacts().tools,
    directories: [...calm.directories, '/etc/systemd/system'],
    firewall: { owner: 'none', backend: 'iptables-legacy', mixed: false },
    census: censusOf([['tcp', 'ESTABLISHED', { entries: 61_000, assured: 61_000 }]], { ports }),
  })
}

describe('a full table that cannot grow', () => {
  it('is relieved of a service of this host', () => {
    const { recommendation } = diagnose(full(50_000))
    expect(recommendation.steps.map(({ strategy }) => strategy)).toEqual(['notrack'])
    expect(recommendation.steps[0]?.options).toMatchObject({ tcp: ['8080'] })
    expect(recommendation.plan?.blockers).toEqual([])
  })

  it.each([
    ['few of them', 2_000],
    ['nobody knows how many', null],
  ])('not where they are services of others: %s', (_, served) => {
    const { recommendation, findings } = diagnose(full(served))
    expect(recommendation.steps).toEqual([])
    expect(recommendation.why).toMatch(/^raise would be it/)
    const filled = findings.find(({ code }) => code === 'filled-by')
    if (served !== null) expect(filled?.title).toBe('the table is filled by 96.7 % tcp port 5432 of others')
    if (served !== null) expect(filled?.remedy).toMatch(/this host is the client/)
  })
})
