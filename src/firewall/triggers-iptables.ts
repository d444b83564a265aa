/** Rules of iptables that make the kernel track, in a save of any table. */
import { linesOf } from './iptables-save.ts'
import { familyName, type RuleState, ruleTarget } from './rule-state.ts'
import { placeOf } from './ruleset.ts'
import type { Trigger, TriggerKind } from './trigger.ts'
import { canonicalWords, joinWords, splitWords } from './words.ts'

const MATCHES: Readonly<Record<string, TriggerKind>> = {
  state: 'state',
  conntrack: 'state',
  connmark: 'mark',
  connlabel: 'mark',
  connbytes: 'count',
  connlimit: 'count',
  helper: 'helper',
  cluster: 'cluster',
}
const TARGETS: Readonly<Record<string, TriggerKind>> = {
  MASQUERADE: 'nat',
  SNAT: 'nat',
  DNAT: 'nat',
  REDIRECT: 'nat',
  NETMAP: 'nat',
  FULLCONENAT: 'nat',
  CONNMARK: 'mark',
  CONNSECMARK: 'mark',
  CT: 'helper',
  SYNPROXY: 'synproxy',
  FLOWOFFLOAD: 'offload',
  CLUSTERIP: 'cluster',
}

/** What the rule of these words asks tracking for; null for one that asks for none. */
export function triggerKind(words: readonly string[]): TriggerKind | null {
  // What translates says more about a rule than that it asks for a state, too.
  const target = words[words.findIndex(word => word === '-j' || word === '--jump') + 1] ?? ''
  const byTarget = words.includes('--notrack') ? undefined : TARGETS[target]
  if (byTarget !== undefined) return byTarget
  const found = words.findIndex((word, at) => isMatch(word) && (words[at + 1] ?? '') in MATCHES)
  return MATCHES[words[found + 1] ?? ''] ?? null
}

const isMatch = (word: string): boolean => word === '-m' || word === '--match'

interface Save extends Pick<RuleState, 'backend' | 'family'> {
  readonly text: string
}

/** The triggers of one save, with the number of each among equal ones of its chain. */
export function iptablesTriggers({ backend, family, text }: Save): Trigger[] {
  const found: Trigger[] = []
  const lengths = new Map<string, number>()
  const copies = new Map<string, number>()
  let table = ''
  for (const line of linesOf(text)) {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const [, packets, chain, rest = ''] = /^(?:\[(\d+):\d+\] )?-A (\S+) ?(.*)$/s.exec(line) ?? []
    if (chain === undefined) continue
    const position = (lengths.get(`${table} ${chain}`) ?? 0) + 1
    lengths.set(`${table} ${chain}`, position)
    const spec = splitWords(rest)
    const kind = triggerKind(spec)
    if (kind === null) continue
    const same = `${table} ${chain} ${joinWords(canonicalWords(spec, family))}`
    const copy = (copies.get(same) ?? 0) + 1
    copies.set(same, copy)
    const rule: RuleState = { backend, family, table, chain, position, spec, ...(copy > 1 ? { copy } : {}) }
    found.push({
      kind,
      families: [family],
      name: ruleTarget(rule),
      line: `-A ${chain} ${rest}`,
      place: placeOf({ backend, family: familyName(family), name: table }, chain, `-A ${chain} ${rest}`),
      position,
      rule,
      packets: packets === undefined ? null : Number(packets),
    })
  }
  return found
}
