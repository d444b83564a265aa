/** Our rules as a table of nft of our own, and accepts at the head of the owner's chains where they judge by state. */
import type { Change, NftRuleChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { parseNftJson } from '../../firewall/nft-json.ts'
import { NFT_TABLE, type NftRuleState, nftRuleTarget } from '../../firewall/own.ts'
import type { OwnRule } from '../../firewall/own-rule.ts'
import { type NftRule, nftRule } from '../../firewall/own-rule-nft.ts'
import { isOwnObject, isOwnRule, objectsOf, ownExpressions } from '../../firewall/own-ruleset.ts'
import type { Ruleset } from '../../firewall/ruleset.ts'
import { OWN_COMMENT } from '../../firewall/strip.ts'
import type { Home } from './home.ts'
import type { FlowRules } from './rules.ts'
import { homesOf } from './sketch.ts'

export type RulesByFamily = ReadonlyMap<Family, FlowRules>

export interface NftPlan {
  readonly table: { readonly text: string; readonly json: string }
  /** In chains of others, in the order in which they end up. */
  readonly accepts: readonly NftRuleState[]
}

/** What should be there. `stripped` is the rule set without ours. */
export function nftPlan(rules: RulesByFamily, home: Home, stripped: Ruleset): NftPlan {
  const pre = merged(rules, ({ pre: own }) => own)
  const out = merged(rules, ({ out: own }) => own)
  return {
    table: { text: tableText(pre, out), json: JSON.stringify(tableObjects(pre, out)) },
    accepts: [
      ...accepts(rules, home, stripped, 'input', ({ acceptIn }) => acceptIn),
      ...accepts(rules, home, stripped, 'output', ({ acceptOut }) => acceptOut),
    ],
  }
}

/** Rules that both families have are one rule; a rule of one names its family. */
function merged(rules: RulesByFamily, part: (rules: FlowRules) => readonly OwnRule[]): NftRule[] {
  const [v4 = [], v6 = []] = [4 as const, 6 as const].map(family => {
    const own = rules.get(family)
    return own ? part(own) : []
  })
  const same = (a: OwnRule, b: OwnRule): boolean => JSON.stringify(a) === JSON.stringify(b)
  const shared = v4.filter(rule => rule.protocol !== 'icmp' && v6.some(other => same(rule, other)))
  const alone = (own: readonly OwnRule[]): OwnRule[] => own.filter(rule => !shared.some(other => same(rule, other)))
  return [
    ...shared.map(rule => nftRule(rule, null)),
    ...alone(v4).map(rule => nftRule(rule, 4)),
    ...alone(v6).map(rule => nftRule(rule, 6)),
  ]
}

const HOOKS = [
  ['pre', 'prerouting'],
  ['out', 'output'],
] as const

function tableText(pre: readonly NftRule[], out: readonly NftRule[]): string {
  const chains = HOOKS.map(([name, hook]) => {
    const lines = (name === 'pre' ? pre : out).map(({ text }) => `\t\t${text}\n`)
    return `\tchain ${name} {\n\t\ttype filter hook ${hook} priority raw; policy accept;\n${lines.join('')}\t}\n`
  })
  return `table inet ctfix {\n${chains.join('\n')}}\n`
}

function tableObjects(pre: readonly NftRule[], out: readonly NftRule[]): unknown[] {
  const home = { family: 'inet', table: 'ctfix' }
  return [
    { table: { family: 'inet', name: 'ctfix' } },
    ...HOOKS.map(([name, hook]) => ({ chain: { ...home, name, type: 'filter', hook, prio: -300, policy: 'accept' } })),
    ...pre.map(({ expr }) => ({ rule: { ...home, chain: 'pre', expr } })),
    ...out.map(({ expr }) => ({ rule: { ...home, chain: 'out', expr } })),
  ]
}

function accepts(
  rules: RulesByFamily,
  home: Home,
  stripped: Ruleset,
  hook: 'input' | 'output',
  part: (rules: FlowRules) => readonly OwnRule[],
): NftRuleState[] {
  const chains = new Map(
    ([4, 6] as const).flatMap(family =>
      homesOf(stripped, hook, home, family).map(({ table, chain }) => [
        `${table.family} ${table.name} ${chain.name}`,
        { table, chain },
      ]),
    ),
  )
  return [...chains.values()].flatMap(({ table, chain }) => {
    const only = table.family === 'ip' ? 4 : table.family === 'ip6' ? 6 : null
    const own =
      only === null ? merged(rules, part) : part(rules.get(only) ?? NONE).map(rule => nftRule(rule, only, true))
    return own.map(({ text, expr }, i) => ({
      family: table.family === 'ip' ? ('ip' as const) : table.family === 'ip6' ? ('ip6' as const) : ('inet' as const),
      table: table.name,
      chain: chain.name,
      position: i + 1,
      text: `${text} comment "${OWN_COMMENT}"`,
      json: JSON.stringify(expr),
    }))
  })
}

const NONE: FlowRules = { pre: [], out: [], acceptIn: [], acceptOut: [] }

/** What differs live. Accepts come first and go last. */
export function nftChanges(plan: NftPlan, facts: Facts): Change[] {
  const live = facts.ownNft?.rules ?? []
  const missing = plan.accepts.filter(rule => !live.some(there => isOwnRule(there, rule)))
  const surplus = live.filter(there => !plan.accepts.some(rule => isOwnRule(there, rule)))
  const why = 'untracked packets match no rule about states: these flows, and no others, are let in before such rules'
  return [
    ...missing.map(rule => ruleChange(null, rule, why)),
    ...tableChange(plan, facts),
    ...surplus.flatMap(({ family, ...rule }) => {
      if (family !== 'ip' && family !== 'ip6' && family !== 'inet') return []
      return [
        ruleChange(
          { ...rule, family, position: null, json: jsonOf({ ...rule, family }, facts) },
          null,
          'not needed any more',
        ),
      ]
    }),
  ]
}

/** Both looks list the rules of a chain in its order. */
function jsonOf(rule: Omit<NftRuleState, 'position' | 'json'>, { ownNft, ruleset }: Facts): string | null {
  const { family, table, chain } = rule
  const texts = ownNft?.rules.filter(own => own.family === family && own.table === table && own.chain === chain) ?? []
  const found = ruleset ? ownExpressions(ruleset, rule) : []
  return found.length === texts.length ? (found[texts.findIndex(own => isOwnRule(own, rule))] ?? null) : null
}

function tableChange({ table }: NftPlan, { ruleset, ownNft }: Facts): Change[] {
  const live = ruleset?.sources.find(({ format }) => format === 'json')
  if (live && isSameTable(live.text, table.json)) return []
  const before = ownNft?.table ? { text: ownNft.table, json: null } : null
  const why = 'these flows no longer take up the table, in either direction'
  return [{ kind: 'nft-table', layer: 'runtime', target: NFT_TABLE, before, after: table, why }]
}

/** Compares what the rules ask and do: versions of nft print the same in different ways. */
function isSameTable(live: string, ours: string): boolean {
  const own = (objects: readonly unknown[]): string => {
    const [table] = parseNftJson(JSON.stringify({ nftables: objects })) ?? []
    return JSON.stringify(
      [...(table?.chains.values() ?? [])].map(({ base, name, rules }) => [
        name,
        base,
        rules.map(({ matches, verdict }) => [matches, verdict]),
      ]),
      // Addresses are large numbers.
      (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    )
  }
  return own(objectsOf(live).filter(isOwnObject)) === own(objectsOf(ours))
}

function ruleChange(before: NftRuleState | null, after: NftRuleState | null, why: string): NftRuleChange {
  const either = after ?? before
  if (!either) throw new TypeError('a change of no rule')
  return { kind: 'nft-rule', layer: 'runtime', target: nftRuleTarget(either), before, after, why }
}
