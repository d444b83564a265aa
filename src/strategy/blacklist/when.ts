/** Whether the modules can go now: every reference to them has to be one that the plan takes away. */
import type { Facts, LoadedModule, RulesetText } from '../../facts/facts.ts'
import type { Blocker } from '../strategy.ts'
import { excess, foreign, holdersOf, unloadOrder } from './modules.ts'
import { liveNeeds, type Need } from './needs.ts'
import type { Stateless } from './rewrite.ts'
import { isTaken, type Service } from './services.ts'

/** Live rules that need conntrack and neither were rewritten nor go with a service. */
export function remaining(ruleset: RulesetText | null, stopped: readonly Service[], now: boolean): Need[] {
  return ruleset ? liveNeeds(ruleset).filter(({ place }) => !isTaken(stopped, place, now)) : []
}

/** True when nothing is left that would keep a module in. */
export function isFree(facts: Facts, stopped: readonly Service[], rewritten: Stateless): boolean {
  const loaded = holdersOf(facts.modules ?? [])
  const busy = loaded.some(({ unloading }) => unloading) || foreign(loaded).length > 0 || unloadOrder(loaded) === null
  return (
    !busy && remaining(rewritten.ruleset, stopped, true).length === 0 && held(facts, stopped, rewritten).length === 0
  )
}

/**
 * Modules with more references than users and rules account for. Each rule holds its extensions; how often, only its own
 * tool knows, so where a service takes all its rules and no other namespace is here they are taken as accounted for.
 */
function held(facts: Facts, stopped: readonly Service[], { ruleset }: Stateless): LoadedModule[] {
  const before = facts.ruleset ? liveNeeds(facts.ruleset) : []
  const gone = before.length - remaining(ruleset, stopped, true).length
  const alone = (facts.tracking?.otherNamespaces ?? 0) === 0
  const flushed = before.some(({ place }) => isTaken(stopped, place, true))
  // A rule may ask twice.
  const accounted = flushed && alone ? Number.POSITIVE_INFINITY : alone ? 2 * gone : gone
  return holdersOf(facts.modules ?? []).filter(module => !module.unloading && excess(module) > accounted)
}

/** What would make the removal fail, where somebody asks for it now. */
export function heldBlockers(facts: Facts, stopped: readonly Service[], rewritten: Stateless): Blocker[] {
  const others = facts.tracking?.otherNamespaces ?? 0
  return held(facts, stopped, rewritten).map(module => {
    const who = others > 0 ? `rules of one of ${others} other network namespaces` : 'an empty table, or a program'
    const message = `${module.name} is held ${excess(module)} times by what is no module and no rule of this host: by ${who}; when=reboot leaves it until then`
    return { code: 'module-in-use', message, forceable: false }
  })
}
