/** Names of rules, as a plan lists them and a user gives them back. */
import type { Family } from '../../firewall/address.ts'
import { familyName, type RuleState, ruleTarget } from '../../firewall/rule-state.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { triggerKind } from '../../firewall/triggers-iptables.ts'
import { nameText } from '../../firewall/triggers-nft.ts'
import { canonicalWords, splitWords } from '../../firewall/words.ts'

/** A rule by its words, wherever it stands in its chain. */
export interface Name {
  readonly text: string
  /** The same for all spellings of one rule, and without the number of a copy. */
  readonly key: string
  /** From which of several equal rules on; 1: all of them. */
  readonly copy: number
  readonly families: readonly Family[]
  readonly of: Place
}

type Place =
  | {
      readonly by: 'iptables'
      readonly family: Family
      readonly table: string
      readonly chain: string
      readonly spec: readonly string[]
    }
  | {
      readonly by: 'nft'
      readonly family: string
      readonly table: string
      readonly chain: string
      readonly text: string
    }

/** What could ask for tracking in a rule of nft. */
const NFT_ASKS = /(^|\s)(ct\s|masquerade|snat|dnat|redirect|synproxy|flow add)/

/** null for what names no rule that could ask for tracking. */
export function readName(text: string): Name | null {
  const [first = '', family = '', table = '', chain = ''] = text.trim().split(/\s+/)
  const rest = text.trim().replace(/^(\S+\s+){4}/, '')
  if (chain === '' || rest === text.trim()) return null
  if (first === 'nft') return nftName(text, { by: 'nft', family, table, chain, text: nameText(rest) })
  const isBackend = first === 'iptables-legacy' || first === 'iptables-nft'
  return isBackend && (family === 'ip' || family === 'ip6')
    ? iptablesName(text, first, family === 'ip' ? 4 : 6, table, chain, rest)
    : null
}

function nftName(text: string, of: Extract<Place, { by: 'nft' }>): Name | null {
  const { family, table, chain } = of
  if (!['ip', 'ip6', 'inet'].includes(family) || !NFT_ASKS.test(of.text)) return null
  const families: readonly Family[] = family === 'ip' ? [4] : family === 'ip6' ? [6] : [4, 6]
  return { text, key: `nft ${family} ${table} ${chain} ${of.text}`, copy: 1, families, of }
}

function iptablesName(
  text: string,
  backend: RuleState['backend'],
  family: Family,
  table: string,
  chain: string,
  rest: string,
): Name | null {
  const [, words = '', copy] = /^(.*?)(?: #([1-9]\d*))?$/s.exec(rest) ?? []
  const spec = splitWords(words)
  if (!spec.some(word => word.startsWith('-')) || triggerKind(spec) === null) return null
  const of = { by: 'iptables', family, table, chain, spec } as const
  return { text, key: keyOf({ backend, family, table, chain, spec }), copy: Number(copy ?? 1), families: [family], of }
}

function keyOf({ backend, family, table, chain, spec }: Omit<RuleState, 'position' | 'copy'>): string {
  return ruleTarget({ backend, family, table, chain, position: null, spec: canonicalWords(spec, family) })
}

/** The key by which a name finds this rule. */
export function triggerKey({ rule, place, line }: Trigger): string {
  return rule && 'spec' in rule ? keyOf(rule) : `nft ${place.family} ${place.table} ${place.chain} ${nameText(line)}`
}

/** Which of several equal ones it is, from 1. */
export const copyOf = ({ rule }: Trigger): number => (rule && 'spec' in rule ? (rule.copy ?? 1) : 1)

/** True when the name means this rule: one without a number means all that say the same. */
export function isNamed(trigger: Trigger, names: readonly Name[]): boolean {
  const key = triggerKey(trigger)
  return names.some(name => name.key === key && copyOf(trigger) >= name.copy)
}

/** `IPv4`. */
export const familyText = (family: Family): string => (familyName(family) === 'ip' ? 'IPv4' : 'IPv6')
