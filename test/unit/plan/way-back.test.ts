import { describe, expect, it } from 'vitest'
import type { ChainChange, Change, NftRuleChange, NftTableChange, RuleChange } from '../../../src/change/change.ts'
import { splitWords } from '../../../src/firewall/words.ts'
import { wayBack } from '../../../src/plan/way-back.ts'

type Side = 'comes' | 'goes'
const sides = <State>(side: Side, state: State) =>
  side === 'comes' ? { before: null, after: state } : { before: state, after: null }

function rule(side: Side, table: string, chain: string, spec: string): RuleChange {
  const state = { backend: 'iptables-nft', family: 4, table, chain, position: 1, spec: splitWords(spec) } as const
  return { kind: 'rule', layer: 'runtime', target: spec, ...sides(side, state), why: 'w' }
}
function nft(side: Side, chain: string, text: string): NftRuleChange {
  const state = { family: 'inet', table: 't', chain, position: 1, text, json: null } as const
  return { kind: 'nft-rule', layer: 'runtime', target: text, ...sides(side, state), why: 'w' }
}
function ownChain(side: Side, table: string, chain: string): ChainChange {
  const state = { backend: 'iptables-nft', family: 4, table, chain, rules: [] } as const
  return { kind: 'chain', layer: 'runtime', target: chain, ...sides(side, state), why: 'w' }
}
const table = (side: Side): NftTableChange => ({
  ...{ kind: 'nft-table', layer: 'runtime', target: 't', why: 'w' },
  ...sides(side, { text: 'table inet ctfix {\n}\n', json: null }),
})
/** What stands around each step, without the step. */
const steps = (...changes: readonly Change[]): string[] =>
  wayBack(changes).map(({ text }) => text.replace(/(put|take|drop|restore)_[^|]*/, '$1 '))

describe('the way back', () => {
  it('is one step after the other where none is built on another', () => {
    expect(
      steps(
        rule('goes', 'filter', 'INPUT', '-m state --state NEW -j ACCEPT'),
        rule('goes', 'filter', 'INPUT', '-m state --state ESTABLISHED -j ACCEPT'),
        rule('goes', 'nat', 'POSTROUTING', '-j MASQUERADE'),
      ),
    ).toEqual(['put || failed=1', 'put || failed=1', 'put || failed=1'])
  })

  it('stops in a chain whose rules were replaced once one of them does not come back', () => {
    expect(
      steps(
        rule('comes', 'filter', 'INPUT', '-p tcp -j ACCEPT'),
        rule('goes', 'filter', 'INPUT', '-m state --state NEW -j ACCEPT'),
        rule('comes', 'filter', 'OUTPUT', '-p tcp -j ACCEPT'),
        rule('goes', 'filter', 'OUTPUT', '-m state --state NEW -j ACCEPT'),
      ),
    ).toEqual([
      "put || lose 'iptables-nft ip filter OUTPUT'",
      "is_lost 'iptables-nft ip filter OUTPUT' || take || failed=1",
      "put || lose 'iptables-nft ip filter INPUT'",
      "is_lost 'iptables-nft ip filter INPUT' || take || failed=1",
    ])
  })

  it('does so for nft, where only rules that keep out wait for those that let in', () => {
    expect(
      steps(
        nft('goes', 'input', 'ct state invalid drop'),
        nft('goes', 'input', 'ct state vmap { established : accept, invalid : drop }'),
        nft('goes', 'input', 'ct state new log prefix "to drop " accept'),
      ),
    ).toEqual([
      "put || lose 'nft inet t input'",
      "put || lose 'nft inet t input'",
      "is_lost 'nft inet t input' || put || failed=1",
    ])
  })

  it('takes no accept of untracked packets as long as they are not tracked again', () => {
    expect(
      steps(
        ownChain('comes', 'filter', 'CTFIX-IN'),
        rule('comes', 'filter', 'INPUT', '-j CTFIX-IN'),
        ownChain('comes', 'raw', 'CTFIX-PRE'),
        rule('comes', 'raw', 'PREROUTING', '-j CTFIX-PRE'),
      ),
    ).toEqual([
      'take || lose all',
      'drop || lose all',
      "is_lost 'iptables-nft ip filter INPUT' || take || failed=1",
      'is_lost all || drop || failed=1',
    ])
    expect(steps(nft('comes', 'input', 'tcp dport 80 accept comment "ctfix"'), table('comes'))).toEqual([
      'drop || lose all',
      "is_lost 'nft inet t input' || take || failed=1",
    ])
  })

  it('leaves them tracked where what lets them in untracked does not come back', () => {
    expect(
      steps(
        rule('goes', 'raw', 'PREROUTING', '-p tcp -j CT --helper ftp'),
        rule('goes', 'raw', 'PREROUTING', '-j CTFIX-PRE'),
        ownChain('goes', 'raw', 'CTFIX-PRE'),
        rule('goes', 'filter', 'INPUT', '-j CTFIX-IN'),
      ),
    ).toEqual([
      "put || lose 'iptables-nft ip filter INPUT'",
      'is_lost any || restore || failed=1',
      'is_lost any || put || failed=1',
      'put || failed=1',
    ])
    expect(steps(table('goes'), nft('goes', 'input', 'tcp dport 80 accept comment "ctfix"'))).toEqual([
      "put || lose 'nft inet t input'",
      'is_lost any || put || failed=1',
    ])
  })

  it('shuts nothing anywhere once a firewall did not start', () => {
    const service = { kind: 'service', layer: 'runtime', target: 'iptables', before: 'running', after: null } as const
    const stepsBack = steps(rule('comes', 'filter', 'INPUT', '-p tcp -j ACCEPT'), { ...service, why: 'w' })
    expect(stepsBack[0]).toMatch(/lose all$/)
    expect(stepsBack[1]).toMatch(/^is_lost /)
  })
})
