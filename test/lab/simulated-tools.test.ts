/** A simulated host whose tools work: rules and modules go in, out and back by our own scripts, to the byte. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RuntimeChange } from '../../src/change/change.ts'
import { applyScript, expectScript, undoScript } from '../../src/change/kinds.ts'
import { parseProbe } from '../../src/facts/parse.ts'
import { probeProgram } from '../../src/facts/probe.ts'
import { positionOf, type RuleState, ruleTarget } from '../../src/firewall/rule-state.ts'
import { changeLibrary } from '../../src/run/tools.ts'
import { createDebian, type FakeHost } from './simulated/debian.ts'
import { RULES } from './simulated/tools.ts'

let host: FakeHost
beforeAll(() => {
  host = createDebian()
})
afterAll(() => host[Symbol.dispose]())

const RULE: RuleState = {
  backend: 'iptables-legacy',
  family: 4,
  table: 'raw',
  chain: 'PREROUTING',
  position: 1,
  spec: ['-p', 'tcp', '-m', 'tcp', '--dport', '80', '-j', 'CT', '--notrack'],
}

async function run(...scripts: readonly { readonly text: string }[]): Promise<number> {
  const body = scripts.map(({ text }) => `${text} || return 1`).join('\n')
  const { exitCode } = await host.inspect(`${changeLibrary()}\nmain() {\n${body}\n}\nmain </dev/null\n`)
  return exitCode
}

it('takes rules and modules back to the byte', async () => {
  // The table would stay behind, as it does on a real host once its module is loaded.
  host.put(RULES[4], `${host.read(RULES[4])}*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n`)
  host.put('/proc/net/ip_tables_names', 'filter\nraw\n')
  const before = host.tree()
  const about = { layer: 'runtime', why: 'w' } as const
  const accept = ['-i', 'lo', '-j', 'ACCEPT']
  const lo: RuleState = { ...RULE, table: 'filter', chain: 'INPUT', position: 1, spec: accept }
  const changes: readonly RuntimeChange[] = [
    { ...about, kind: 'rule', target: ruleTarget(RULE), before: null, after: RULE },
    { ...about, kind: 'rule', target: ruleTarget(lo), before: lo, after: null },
    { ...about, kind: 'module', target: 'nf_conntrack_netlink', before: 'loaded', after: null },
    { ...about, kind: 'module', target: 'xt_CT', before: null, after: 'loaded' },
  ]
  expect(await run(...changes.map(expectScript), ...changes.map(applyScript))).toBe(0)
  expect(host.tree()).not.toEqual(before)
  expect(host.read('/proc/modules')).not.toContain('nf_conntrack_netlink')

  const { stdin, args } = probeProgram({ nonce: 'abc', ruleset: true })
  const { stdout } = await host.inspect(`set -- ${args.slice(0, -1).join(' ')}\n${stdin}`)
  const { ruleset } = parseProbe('web-1', stdout, 'abc')
  expect(ruleset && positionOf(ruleset, RULE)).toBe(1)
  expect(ruleset && positionOf(ruleset, lo)).toBeNull()

  expect(await run(...changes.toReversed().map(undoScript))).toBe(0)
  expect(host.tree()).toEqual(before)
})
