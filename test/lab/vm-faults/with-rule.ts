/**
 * The product with one strategy more, which adds the rule that its options name: as somebody would who writes a strategy and
 * gets it wrong. A program: `node with-rule.ts apply --strategy rule --set spec="-p tcp …"`.
 */
import { z } from 'zod'
import type { RuleState } from '../../../src/firewall/rule-state.ts'
import { positionOf, ruleTarget } from '../../../src/firewall/rule-state.ts'
import { strategies } from '../../../src/strategy/index.ts'
import { defineStrategy } from '../../../src/strategy/strategy.ts'

const rule = defineStrategy({
  name: 'rule',
  summary: 'adds one rule to the input of the filter',
  needs: { states: false, ruleset: true },
  relief: 'later',
  options: z.object({ spec: z.string() }),
  plan(options, facts) {
    const after: RuleState = {
      backend: facts.firewall.backend === 'iptables-legacy' ? 'iptables-legacy' : 'iptables-nft',
      family: 4,
      table: 'filter',
      chain: 'INPUT',
      position: 1,
      spec: options.spec.split(' '),
    }
    const isThere = facts.ruleset !== null && positionOf(facts.ruleset, after) !== null
    const change = {
      kind: 'rule',
      layer: 'runtime',
      target: ruleTarget(after),
      before: null,
      after,
      why: 'a try',
    } as const
    return { changes: isThere ? [] : [change], warnings: [], blockers: [], settled: options }
  },
})

// The table is read-only to the product, and this is not the product.
Object.assign(strategies, { [strategies.length]: rule })
await import('../../../src/main.ts')
