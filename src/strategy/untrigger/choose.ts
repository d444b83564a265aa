/** Which of the rules that ask for tracking are to go, and what is known of each. */
import type { Facts, RulesetText } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { type Trigger, triggersOf } from '../../firewall/triggers.ts'
import { viewsOf } from './chains.ts'
import { type Filed, filedBeside } from './filed.ts'
import { isNamed, type Name, triggerKey } from './names.ts'
import type { Options } from './options.ts'
import { ownerOf } from './owners.ts'
import { type Host, type Scene, sceneOf } from './scene.ts'
import { strayReason } from './stray.ts'

export interface Judged {
  readonly trigger: Trigger
  /** Why it does nothing, now and after a boot; null: it may do something. */
  readonly stray: string | null
  /** Why it does nothing now, and the file in which it does something once boot has loaded it. */
  readonly needed: { readonly idle: string; readonly path: string } | null
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
  const files = filedBeside(facts, ruleset, triggers)
  const owners = new Map(triggers.map(trigger => [trigger, ownerOf(trigger, facts)]))
  const judge = (leaving: ReadonlySet<Trigger>): Judged[] => {
    const scene = sceneOf(views, host, leaving)
    const saved = files.map(({ path, views: there, twins }) => {
      const theirs = [...leaving].flatMap(trigger => twins.get(trigger) ?? [])
      return { path, twins, scene: sceneOf(there, host, new Set(theirs)) }
    })
    return triggers.map(trigger => {
      const idle = strayReason(trigger, scene)
      const path = idle === null ? undefined : saved.find(file => doesSomething(trigger, file))?.path
      return {
        trigger,
        stray: path === undefined ? idle : null,
        needed: idle === null || path === undefined ? null : { idle, path },
        owner: owners.get(trigger) ?? null,
      }
    })
  }
  let gone = new Set(triggers.filter(trigger => isNamed(trigger, rules)))
  let judged = judge(gone)
  while (stray) {
    const more = gone.union(new Set(strayOnes(judged)))
    if (more.size === gone.size) break
    gone = more
    judged = judge(gone)
  }
  return {
    taken: judged.filter(({ trigger }) => gone.has(trigger)),
    left: judged.filter(({ trigger }) => !gone.has(trigger)),
  }
}

/** Names that no live rule has. */
export function missingNames(rules: readonly Name[], { taken }: Choice): Name[] {
  return rules.filter(name => !taken.some(({ trigger }) => isNamed(trigger, [name])))
}

/** A name of nft means every rule that says the same, so all of them must be stray. */
function strayOnes(judged: readonly Judged[]): Trigger[] {
  const isFree = ({ stray, owner }: Judged): boolean => stray !== null && owner === null
  const needed = new Set(judged.filter(one => !isFree(one)).map(({ trigger }) => triggerKey(trigger)))
  return judged
    .filter(isFree)
    .map(({ trigger }) => trigger)
    .filter(trigger => trigger.place.backend !== 'nft' || !needed.has(triggerKey(trigger)))
}

/** In the rules of a file, which may have another policy than the live ones, or a last rule that drops. */
function doesSomething(trigger: Trigger, { twins, scene }: { twins: Filed['twins']; scene: Scene }): boolean {
  return (twins.get(trigger) ?? []).some(twin => strayReason(twin, scene) === null)
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
