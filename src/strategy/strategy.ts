/** A strategy is facts → changes. It runs nothing, prints nothing and knows no SSH. */
import type { z } from 'zod'
import type { Change } from '../change/change.ts'
import type { Facts } from '../facts/facts.ts'

/** A reason to leave the host alone. Nothing was touched. */
export interface Blocker {
  /** Stable word for programs: `kube-proxy-owns`. */
  readonly code: string
  readonly message: string
  /** `--force` may go past it (it is then named in the record). Never true for what would cut the host off. */
  readonly forceable: boolean
}

/** What the facts show of how well a cure holds, beyond that its changes are made. */
export interface Evidence {
  /** Stable word for programs: `no-entries-of-flows`. */
  readonly name: string
  readonly status: 'pass' | 'fail' | 'unknown'
  /** One sentence. */
  readonly detail: string
  /** `kept`: only once files are written and what cannot be taken back is done. */
  readonly when: 'always' | 'kept'
  /** Code of the blocker that foretold a failure: who forced a way past it has been told, and is not taken back for it. */
  readonly excusedBy?: string
}

export interface Draft {
  readonly changes: readonly Change[]
  /** What is as it should be, and worth knowing. */
  readonly notes?: readonly string[]
  readonly warnings: readonly string[]
  readonly blockers: readonly Blocker[]
  /** The options with every `auto` replaced by what it came to here: planning with them again must find nothing left to do. */
  readonly settled: Readonly<Record<string, unknown>>
  readonly evidence?: readonly Evidence[]
  /** The strategies that this one chose here, with their options settled: planning with them again is planning it again. */
  readonly cameTo?: readonly { readonly strategy: string; readonly options: Readonly<Record<string, unknown>> }[]
}

export type Planner = (facts: Facts) => Draft

/** What the probe must look at beyond the cheap facts. */
export interface ProbeNeeds {
  /** Live entries by state (reads the table once, bounded). */
  readonly states: boolean
  /** Every live rule: a strategy that changes rules needs them, so that nobody is locked out. */
  readonly ruleset?: boolean
  /** What holds and loads the modules of conntrack (facts.tracking). */
  readonly tracking?: boolean
  /** Who fills the table (facts.census). */
  readonly census?: boolean
  /** What the targets of these changes are at this moment. */
  readonly looks?: readonly Change[]
}

export interface Strategy {
  readonly name: string
  /** One line for help and README. */
  readonly summary: string
  readonly needs: ProbeNeeds
  /** `at-once`: a table that is still full afterwards was not cured. `later`: entries that are there must leave first. */
  readonly relief: 'at-once' | 'later'
  /** The schema of its options, for decoding with places and for help. */
  readonly options: z.ZodType
  /** Decodes options once, before any host is touched. Throws ZodError. */
  configure(options: unknown): Planner
  /** The flows whose live entries the probe is to count, one a `;`: `tcp 80,443 - -` (run/flows.ts). */
  flowsOf?(options: unknown): string
  /** TCP ports of services that must answer after the change as they did before it. */
  servicesOf?(options: unknown): readonly number[]
}

interface Definition<Options> {
  readonly name: string
  readonly summary: string
  readonly needs?: ProbeNeeds
  readonly relief: Strategy['relief']
  readonly options: z.ZodType<Options>
  readonly plan: (options: Options, facts: Facts) => Draft
  readonly flowsOf?: (options: Options) => string
  readonly servicesOf?: (options: Options) => readonly number[]
}

/** Hides the type of a strategy's options, so that strategies of any options stand in one table. */
export function defineStrategy<Options>(definition: Definition<Options>): Strategy {
  const { needs, options, plan, flowsOf, servicesOf, ...about } = definition
  return {
    ...about,
    ...(flowsOf ? { flowsOf: (input: unknown) => flowsOf(options.parse(input)) } : {}),
    ...(servicesOf ? { servicesOf: (input: unknown) => servicesOf(options.parse(input)) } : {}),
    needs: needs ?? { states: false },
    options,
    configure(input) {
      const decoded = options.parse(input)
      return facts => plan(decoded, facts)
    },
  }
}
