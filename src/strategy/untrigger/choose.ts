/** Which of the rules that ask for tracking are to go, and what is known of each. */
import type { Facts, RulesetText } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { type Trigger, triggersOf } from '../../firewall/triggers.ts'
import { viewsOf } from './chains.ts'
import { isNamed } from './names.ts'
import type { Options } from './options.ts'
import { ownerOf } from './owners.ts'
import { type Host, type Scene, sceneOf } from './scene.ts'
import { strayReason } from './stray.ts'

export interface Judged {
  readonly trigger: Trigger
  /** Why it does nothing; null: it may do something. */
  readonly stray: string | null
  /** Who made it, and would make it again; null: whoever administers this host. */
  readonly owner: string | null
}

export interface Choice {
  /** To be taken out, in the order of the listings. */
  readonly taken: readonly Judged[]
  readonly left: readonly Judged[]
}

/** The named ones, and on demand the stray ones: what is stray once others are gone is so, too. */
export function choose({ rules, stray }: Options, facts: Facts, ruleset: RulesetText): Choice {
  const triggers = triggersOf(ruleset)
  const views = viewsOf(ruleset)
  const host: Host = { interfaces: facts.tracking?.interfaces ?? null, forwarding: facts.forwarding }
  const owners = new Map(triggers.map(trigger => [trigger, ownerOf(trigger, facts)]))
  const judge = (scene: Scene): Judged[] =>
    triggers.map(trigger => ({
      trigger,
      stray: strayReason(trigger, scene),
      owner: owners.get(trigger) ?? null,
    }))
  let gone = new Set(triggers.filter(trigger => isNamed(trigger, rules)))
  let judged = judge(sceneOf(views, host, gone))
  while (stray) {
    const found = judged.filter(one => one.stray !== null && one.owner === null).map(({ trigger }) => trigger)
    const more = gone.union(new Set(found))
    if (more.size === gone.size) break
    gone = more
    judged = judge(sceneOf(views, host, gone))
  }
  return {
    taken: judged.filter(({ trigger }) => gone.has(trigger)),
    left: judged.filter(({ trigger }) => !gone.has(trigger)),
  }
}

/** True when one of them asks for that family. */
export function asksFor(judged: readonly Judged[], family: Family): boolean {
  return judged.some(({ trigger }) => trigger.families.includes(family))
}

/** Families in which nothing asks any more: those that these rules held, or all where no rule asks at all. */
export function freedFamilies({ taken, left }: Choice, { ipv6 }: Facts): Family[] {
  const here: readonly Family[] = ipv6 ? [4, 6] : [4]
  return here.filter(family => !asksFor(left, family) && (asksFor(taken, family) || left.length === 0))
}

/** What asks without a rule: nobody here can tell for which family. */
export function askersWithoutRules({ managers, modules }: Facts): string[] {
  const loaded = (modules ?? []).filter(({ name, refs }) => name === 'act_ct' && refs > 0).map(({ name }) => name)
  return [...managers.filter(name => name === 'openvswitch' || name === 'ip_vs'), ...loaded]
}
