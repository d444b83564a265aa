/** Modules of conntrack that are loaded: who uses whom, what else holds them, and in which order they can go. */
import type { LoadedModule } from '../../facts/facts.ts'

/** What the whole of it stands on. */
const CORES = ['nf_conntrack', 'ip_conntrack']
/** Extensions of the firewall; what else uses conntrack has a purpose of its own. */
const OF_FIREWALL = /^(nf_|nft_|xt_|ipt_|ip6t_|iptable_|ip6table_|ip_conntrack|ip_nat|nfnetlink)/

/** The core and all that use it, directly or not, by what the kernel says of them. */
export function holdersOf(modules: readonly LoadedModule[]): LoadedModule[] {
  const found = new Set(CORES)
  for (let size = 0; size !== found.size; ) {
    size = found.size
    for (const { name, users } of modules) if (found.has(name)) for (const user of users) found.add(user)
  }
  return modules.filter(({ name }) => found.has(name))
}

/** Those among them that are no part of a firewall: switches, balancers, what somebody built. */
export function foreign(modules: readonly LoadedModule[]): string[] {
  const users = holdersOf(modules).flatMap(module => [module.name, ...module.users])
  return [...new Set(users)].filter(name => !CORES.includes(name) && !OF_FIREWALL.test(name))
}

/** Leaves first: each after all its users. null when they use each other in a circle, which no kernel allows. */
export function unloadOrder(modules: readonly LoadedModule[]): string[] | null {
  const left = new Map(holdersOf(modules).map(({ name, users }) => [name, users]))
  const order: string[] = []
  while (left.size > 0) {
    const free = [...left].filter(([, users]) => users.every(user => !left.has(user))).map(([name]) => name)
    if (free.length === 0) return null
    // Extensions of rules before what stands under them, whatever order the kernel lists them in.
    for (const name of free.toSorted()) {
      left.delete(name)
      order.push(name)
    }
  }
  return order
}

/** References beyond those of modules: of rules, of another network namespace, of a program. */
export function excess({ refs, users }: LoadedModule): number {
  return Math.max(0, refs - users.length)
}
