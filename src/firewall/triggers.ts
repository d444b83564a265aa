/**
 * Rules that make the kernel track. Since 4.10 it tracks per network namespace and family, and only while some rule asks
 * for it (`nf_ct_netns_get` in what each such rule is made of); a rule that takes packets out of tracking does not ask.
 */
import type { RulesetText } from '../facts/facts.ts'
import { parseSave } from './iptables-save.ts'
import type { Trigger } from './trigger.ts'
import { iptablesTriggers } from './triggers-iptables.ts'
import { nftTriggers } from './triggers-nft.ts'

export type { Trigger } from './trigger.ts'

/** All of them, in the order of the listings: backends and families one after the other, and last what only nft knows. */
export function triggersOf({ sources }: RulesetText): Trigger[] {
  const saves = sources.flatMap(source =>
    source.format === 'save' && source.family !== null && source.backend !== 'nft'
      ? [{ backend: source.backend, family: source.family, text: source.text }]
      : [],
  )
  // To nft the extensions of iptables are opaque, so what iptables-nft lists is taken from there.
  const known = new Set(
    saves
      .filter(({ backend }) => backend === 'iptables-nft')
      .flatMap(({ text, backend, family }) => parseSave(text, backend, family))
      .map(({ family, name }) => `${family} ${name}`),
  )
  return [
    ...saves.flatMap(iptablesTriggers),
    ...sources.flatMap(({ format, text }) => (format === 'json' ? nftTriggers(text, known) : [])),
  ]
}
