/** Two texts of iptables-save that load the same rules. */
import { linesOf } from './iptables-save.ts'

/** True when both have the same rules in each chain and the same policies, however chains are ordered and versions write. */
export function isSameSave(one: string, other: string): boolean {
  return one === other || rulesByChain(one) === rulesByChain(other)
}

/** Policies that drop and rules, chain by chain: without what counts, and the match that a protocol implies. */
function rulesByChain(text: string): string {
  const chains = new Map<string, string[]>()
  let table = ''
  for (const line of linesOf(text)) {
    if (line.startsWith('*')) table = line
    const [, chain] = /^(?:\[\d+:\d+\] )?(?:-A |:(?=\S+ DROP))(\S+)/.exec(line) ?? []
    if (chain === undefined) continue
    const key = `${table} ${chain}`
    const said = line.replace(/^\[\d+:\d+\] | \[\d+:\d+\]$/g, '').replace(/ -p (\S+) -m \1(?= )/, ' -p $1')
    const rules = chains.get(key)
    if (rules) rules.push(said)
    else chains.set(key, [said])
  }
  return [...chains]
    .map(([key, rules]) => [key, ...rules].join('\n'))
    .toSorted()
    .join('\n')
}
