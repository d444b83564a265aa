/** Hosts in batches: the canary first, then the sizes asked for, the last of them again and again. */
import type { Host } from '../../inventory/host.ts'
import { sizeOf } from '../../lang/amount.ts'
import type { Rules, Stretch } from './rules.ts'

export interface Batch {
  /** From 1, over the whole run. */
  readonly index: number
  readonly of: number
  readonly canary: boolean
  readonly hosts: readonly Host[]
  /** The stretch it belongs to: whose rules hold, and whose hosts its limits count. */
  readonly stretch: Stretch
}

type Part = Pick<Batch, 'stretch' | 'canary' | 'hosts'>

/**
 * The batches of a run, one stretch after the other. A canary goes before all of the stretch that names it, whichever
 * stretch has its hosts. A host that is excluded is in none: nobody works on it.
 */
export function batchesOf(stretches: readonly Stretch[]): readonly Batch[] {
  const canaries = new Set(stretches.flatMap(({ rules }) => rules.canary))
  const split = stretches.map(stretch => splitBy(canaries, stretch))
  const begun = new Set<Part>()
  const parts = stretches.flatMap(({ rules }, i): Part[] => {
    const named = new Set(rules.canary)
    const first = split.flatMap(({ canary }, of) => {
      const isFirst = canary && !begun.has(canary) && (of === i || canary.hosts.some(({ name }) => named.has(name)))
      return isFirst ? [canary] : []
    })
    for (const part of first) begun.add(part)
    return [...first, ...(split[i]?.rest ?? [])]
  })
  return parts.map((part, i) => ({ ...part, index: i + 1, of: parts.length }))
}

interface Split {
  readonly canary: Part | null
  readonly rest: readonly Part[]
}

function splitBy(canaries: ReadonlySet<string>, stretch: Stretch): Split {
  const { hosts, rules, total } = stretch
  const workable = hosts.filter(({ exclude }) => exclude === null)
  const first = workable.filter(({ name }) => canaries.has(name))
  const rest = workable.filter(({ name }) => !canaries.has(name))
  return {
    canary: first.length > 0 ? { stretch, canary: true, hosts: first } : null,
    rest: cut(rest, rules.serial, total).map(part => ({ stretch, canary: false, hosts: part })),
  }
}

function cut(hosts: readonly Host[], serial: Rules['serial'], total: number): (readonly Host[])[] {
  const parts: (readonly Host[])[] = []
  for (let from = 0; from < hosts.length; ) {
    const size = serial[parts.length] ?? serial.at(-1)
    const to = size === undefined ? hosts.length : from + sizeOf(size, total)
    parts.push(hosts.slice(from, to))
    from = to
  }
  return parts
}
