/** Whether the modules can go now: every reference to them has to be one that the plan takes away. */
import type { Facts, LoadedModule, RulesetText } from '../../facts/facts.ts'
import { formatTimes } from '../../lang/numbers.ts'
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
    !busy &&
    remaining(rewritten.ruleset, stopped, true).length === 0 &&
    held(facts, stopped, rewritten, true).length === 0
  )
}

/**
 * Modules with more references than users and rules account for. Each rule holds its extensions; how often, only its own
 * tool knows, so where a service takes all its rules and no other namespace is here they are taken as accounted for.
 */
function held(facts: Facts, stopped: readonly Service[], { ruleset }: Stateless, now: boolean): LoadedModule[] {
  const before = facts.ruleset ? liveNeeds(facts.ruleset) : []
  const gone = before.length - remaining(ruleset, stopped, now).length
  const alone = (facts.tracking?.otherNamespaces ?? 0) === 0
  const flushed = before.some(({ place }) => isTaken(stopped, place, now))
  // A rule may ask twice. Too many are no failure where nothing is taken out yet.
  const accounted = flushed && alone ? Number.POSITIVE_INFINITY : alone || !now ? 2 * gone : gone
  return holdersOf(facts.modules ?? []).filter(module => !module.unloading && excess(module) > accounted)
}

/** Where nobody runs in another namespace there may be one all the same, of a router that is nothing but rules. */
export function heldWarnings(facts: Facts, stopped: readonly Service[], rewritten: Stateless): string[] {
  if ((facts.tracking?.otherNamespaces ?? 0) > 0) return []
  const named = foreign(facts.modules ?? [])
  const modules = held(facts, stopped, rewritten, false).filter(({ name }) => !named.includes(name))
  return modules.map(
    module =>
      `${module.name} is held ${formatTimes(excess(module))} by what is no module and no rule of this host: if those are rules of another network namespace (ip netns), they would not load any more after the reboot`,
  )
}

/** What is taken out must be there to be loaded again. A host whose kernel was replaced has no list of its modules any more. */
export function loadBlockers({ family, modules, tracking }: Facts, now: boolean): Blocker[] {
  const known = tracking?.available?.some(({ name }) => name === family) ?? false
  if (family === null || holdersOf(modules ?? []).length === 0 || known) return []
  const message = `nothing below /lib/modules is known to hold ${family} for the kernel that runs, so no way back could load it again: was the kernel replaced? Then reboot first`
  return [{ code: 'no-way-back', message, forceable: !now }]
}

/**
 * What would make the removal fail, where somebody asks for it now. By the next reboot other namespaces have lost their
 * filters and translations as well.
 */
export function heldBlockers(facts: Facts, stopped: readonly Service[], rewritten: Stateless, now: boolean): Blocker[] {
  const others = facts.tracking?.otherNamespaces ?? 0
  if (!now && others === 0) return []
  return held(facts, stopped, rewritten, now).map(module => {
    const who = others > 0 ? `rules of one of ${others} other network namespaces` : 'an empty table, or a program'
    const end = now ? 'when=reboot leaves it until then' : 'after the next reboot they would not load any more'
    const message = `${module.name} is held ${formatTimes(excess(module))} by what is no module and no rule of this host: by ${who}; ${end}`
    return { code: 'module-in-use', message, forceable: !now }
  })
}
