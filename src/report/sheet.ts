/** What all sections are made from: the account, its hosts folded, and the places on the page where each is told. */
import type { Account, HostAccount } from '../run/account.ts'
import { outcomesOf } from '../run/account.ts'
import type { HostState } from '../run/run-summary.ts'
import type { Fold } from '../view/fold.ts'
import { foldOutcomes } from '../view/human.ts'
import { foldPlans } from '../view/plans.ts'
import { isProblem, WORST_FIRST } from './marks.ts'

/** A fold with the name of its place. */
export interface Placed {
  readonly id: string
  readonly fold: Fold
  /** Of each host, in order; of a result all are the same. */
  readonly states: readonly HostState[]
  readonly state: HostState
}

export interface Sheet {
  readonly account: Account
  /** The worst first. */
  readonly hosts: readonly HostAccount[]
  /** Hosts of which the same is to be told, the worst first. */
  readonly results: readonly Placed[]
  /** Hosts whose plans come to the same; those without a plan are in none. */
  readonly plans: readonly Placed[]
  /** Where a host's checks and changes are. */
  readonly resultAt: ReadonlyMap<string, string>
  readonly planAt: ReadonlyMap<string, string>
}

export function sheetOf(account: Account): Sheet {
  const outcomes = outcomesOf(account)
  const states = new Map(account.hosts.map(({ name, state }) => [name, state]))
  const placed = (folds: readonly Fold[], letter: string): Placed[] =>
    folds.map((fold, i) => {
      const each = fold.outcomes.map(({ host }) => states.get(host) ?? 'unknown')
      return { id: `${letter}${i + 1}`, fold, states: each, state: each[0] ?? 'unknown' }
    })
  const rank = (state: HostState): number => WORST_FIRST.indexOf(state)
  // Of a host of which nothing is known but its state nothing more can be told.
  const isTold = ({ state, fold }: Placed): boolean =>
    isProblem(state) || fold.outcomes[0].checks.length > 0 || fold.outcomes[0].error !== null
  const results = placed(foldOutcomes(outcomes), 'r')
    .filter(isTold)
    .toSorted((a, b) => rank(a.state) - rank(b.state))
  const plans = placed(foldPlans(outcomes.filter(({ plan }) => plan !== null)), 'p')
  return {
    account,
    hosts: account.hosts.toSorted((a, b) => rank(a.state) - rank(b.state)),
    ...{ results, plans, resultAt: placesOf(results), planAt: placesOf(plans) },
  }
}

function placesOf(placed: readonly Placed[]): Map<string, string> {
  return new Map(placed.flatMap(({ id, fold }) => fold.outcomes.map(({ host }) => [host, id] as const)))
}
