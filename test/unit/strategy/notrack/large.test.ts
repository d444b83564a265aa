/** A host with thousands of rules is planned while one waits: facts are of many hosts, and of none twice. */
import { expect, it } from 'vitest'
import type { Facts } from '../../../../src/facts/facts.ts'
import { makePlan } from '../../../../src/plan/plan.ts'
import { notrack } from '../../../../src/strategy/notrack/notrack.ts'
import { file, makeFacts } from '../../../support/facts.ts'
import { sinceMs } from '../../../support/work.ts'
import { filter, rulesetOf, source } from '../../firewall/samples.ts'

const PATH = { clientAddress: '198.51.100.7', clientPort: 50_022, serverAddress: '192.0.2.5', serverPort: 22 }

const MANY = 4_990

/** Rules of their own for thousands of senders, on both sides of those about states. */
function textOf(rule: (sender: string) => string, network: number): string {
  const rules = Array.from({ length: MANY }, (_, i) => rule(`${network}.${i >> 8}.${i & 255}.0/24`))
  return filter(
    'DROP',
    ...rules.slice(0, MANY / 2),
    'INPUT -i lo -j ACCEPT',
    'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'INPUT -m conntrack --ctstate INVALID -j DROP',
    'INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
    'INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j ACCEPT',
    ...rules.slice(MANY / 2),
  )
}

const allowed = (sender: string): string => `INPUT -s ${sender} -p tcp -m tcp --dport 3306 -j ACCEPT`
const banned = (sender: string): string => `INPUT -s ${sender} -j DROP`

function hostOf(rule: (sender: string) => string, network: number): Facts {
  const text = textOf(rule, network)
  return makeFacts({
    firewall: { owner: 'netfilter-persistent', backend: 'iptables-legacy', mixed: false },
    directories: ['/etc/iptables'],
    files: [file('/etc/iptables/rules.v4', text)],
    ruleset: rulesetOf(source(text)),
    managementPath: PATH,
    ipv6: false,
  })
}

function timed(facts: Facts, options: Readonly<Record<string, unknown>>): number {
  const start = process.cpuUsage()
  const plan = makePlan('h', { steps: [{ strategy: notrack, options }], force: false }, facts)
  expect(plan.changes.length).toBeGreaterThan(0)
  // The machine may be busy with other tests: it is the work that is measured.
  return sinceMs(start)
}

it.each<[what: string, rule: (sender: string) => string, options: Readonly<Record<string, unknown>>]>([
  ['two ports', allowed, { tcp: [80, 443] }],
  ['everything', allowed, { all: true, tcp: [22, 80, 443] }],
  ['peers, where others are banned', banned, { tcp: 80, peers: ['192.0.2.0/24', '198.51.100.7'] }],
])('5,000 rules are planned within 200 ms: %s', (_what, rule, options) => {
  timed(hostOf(rule, 10), options)
  // The first of them is slower: the code is not compiled yet. And whoever shares the processor's cache makes others so.
  const times: number[] = []
  for (let network = 11; network < 31 && !times.some(time => time < 200); network += 1) {
    times.push(timed(hostOf(rule, network), options))
  }
  expect(Math.min(...times)).toBeLessThan(200)
})
