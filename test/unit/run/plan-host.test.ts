import { expect, it } from 'vitest'
import { z } from 'zod'
import { type RuleState, ruleTarget } from '../../../src/firewall/rule-state.ts'
import type { Host } from '../../../src/inventory/host.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import { planHost } from '../../../src/run/plan-host.ts'
import { defineStrategy } from '../../../src/strategy/strategy.ts'
import { makeFacts } from '../../support/facts.ts'

const [base] = loadInventory(['web-1,'], { password: null, become: null }).hosts
const rule = (port: number): RuleState => ({
  backend: 'iptables-legacy',
  family: 4,
  table: 'filter',
  chain: 'INPUT',
  position: 1,
  spec: ['-p', 'tcp', '-m', 'tcp', '--dport', String(port), '-j', 'DROP'],
})

function codesFor(port: number, differences: Partial<Host>): string[] {
  if (!base) throw new Error('no host')
  const after = rule(port)
  const strategy = defineStrategy({
    name: 'drop',
    summary: '',
    relief: 'later',
    options: z.object({}),
    plan: () => ({
      changes: [{ kind: 'rule', layer: 'runtime', target: ruleTarget(after), before: null, after, why: 'w' }],
      warnings: [],
      blockers: [],
      settled: {},
    }),
  })
  const text = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
  const facts = makeFacts({
    ruleset: { sources: [{ backend: 'iptables-legacy', family: 4, format: 'save', text }], complete: true },
    managementPath: { clientAddress: '192.0.2.1', clientPort: 50_000, serverAddress: '192.0.2.9', serverPort: 22 },
  })
  const host = { ...base, ...differences }
  return planHost(host, { steps: [{ strategy, options: {} }], force: false }, facts).blockers.map(({ code }) => code)
}

it('what the inventory says a host serves is looked after: single ports, and the edges and the middle of ranges', () => {
  const flows = { tcp: [443, '8000:8010'], udp: [] }
  expect(codesFor(443, { flows })).toEqual(['cuts-off-service'])
  for (const port of [8000, 8005, 8010]) expect(codesFor(port, { flows })).toEqual(['cuts-off-service'])
  expect(codesFor(80, { flows })).toEqual([])
  expect(codesFor(443, {})).toEqual([])
  expect(codesFor(61_000, { flows: { tcp: ['60000:61000'], udp: [] } })).toEqual(['cuts-off-service'])
})

it('our own way in is looked after without being named, and there is none to this machine itself', () => {
  expect(codesFor(22, {})).toEqual(['cuts-off-management'])
})
