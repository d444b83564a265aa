/** Hosts and rules for the tests of how a run goes over them. */
import type { Host } from '../../../../src/inventory/host.ts'
import { loadInventory } from '../../../../src/inventory/index.ts'
import { type Amount, parseAmount } from '../../../../src/lang/amount.ts'
import { type Limit, NO_RULES, type Rules, type Stretch } from '../../../../src/run/rollout/rules.ts'

/** `h0`, `h1`, …, so many. */
export function makeHosts(n: number): readonly Host[] {
  return loadInventory([`${Array.from({ length: n }, (_, i) => `h${i}`).join(',')},`], { user: 'me' }).hosts
}

export function amount(text: string): Amount {
  const parsed = parseAmount(text)
  if (parsed === null) throw new RangeError(`no amount: ${text}`)
  return parsed
}

export const limit = (text: string, of: Limit['of'] = 'play'): Limit => ({ amount: amount(text), of })

export function stretch(hosts: readonly Host[], rules: Partial<Rules> = {}, parts: Partial<Stretch> = {}): Stretch {
  return { name: null, hosts, total: hosts.length, rules: { ...NO_RULES, ...rules }, revertInSeconds: null, ...parts }
}
