/** A plan: what would be done to one host and why. Plain data; making one reads nothing and touches nothing. */
import { type Change, mergeChanges } from '../change/change.ts'
import { liftsRefusal } from '../change/file.ts'
import type { Facts } from '../facts/facts.ts'
import { strategies } from '../strategy/index.ts'
import { lint } from '../strategy/lint.ts'
import type { Blocker, Draft, Evidence, Strategy } from '../strategy/strategy.ts'
import { applyToFacts } from './foresee.ts'
import { type Flow, pathBlockers } from './management-path.ts'

export { applyToFacts }

/** A strategy with its options decoded by it; `configure` never fails on these. */
export interface Step {
  readonly strategy: Strategy
  readonly options: Readonly<Record<string, unknown>>
}

/** What is wanted of a host. */
export interface Task {
  readonly steps: readonly Step[]
  /** Go past warning-level blockers. */
  readonly force: boolean
  /** Ports the hosts serve: a plan that would cut one off is refused. */
  readonly flows?: readonly Flow[]
}

export interface Plan {
  readonly host: string
  readonly steps: readonly { readonly strategy: string; readonly options: Readonly<Record<string, unknown>> }[]
  readonly changes: readonly Change[]
  /** What is as it should be, and worth knowing; left out: nothing. */
  readonly notes?: readonly string[]
  readonly warnings: readonly string[]
  /** Not empty: nothing will be done. */
  readonly blockers: readonly Blocker[]
  /** Blockers that were gone past by `--force`. */
  readonly forced: readonly Blocker[]
  readonly bootId: string | null
  /** What the facts show of how well the cures hold; of no use once the plan is written down. */
  readonly evidence?: readonly Evidence[]
}

/**
 * Plans the steps one after the other, each on the facts as the ones before will leave them. `local`: there is no
 * connection to this host that rules could cut.
 */
export function makePlan(host: string, task: Task, facts: Facts, { local = false } = {}): Plan {
  let seen = facts
  const drafts: Draft[] = []
  for (const { strategy, options } of task.steps) {
    const draft = strategy.configure(options)(seen)
    drafts.push(draft)
    seen = applyToFacts(seen, draft.changes)
  }
  const changes = orderChanges(mergeChanges(drafts.flatMap(draft => draft.changes)))
  const paths = pathBlockers(changes, facts, applyToFacts(facts, changes), { flows: task.flows ?? [], local })
  const blockers = uniqueBlockers([...drafts.flatMap(draft => draft.blockers), ...paths])
  const notes = drafts.flatMap(draft => draft.notes ?? [])
  const forced = task.force ? blockers.filter(({ forceable }) => forceable) : []
  return {
    host,
    steps: drafts.flatMap(
      (draft, i) => draft.cameTo ?? [{ strategy: task.steps[i]?.strategy.name ?? '', options: draft.settled }],
    ),
    changes,
    ...(notes.length > 0 && { notes }),
    warnings: [
      ...passiveWarnings(facts),
      ...new Set(drafts.flatMap(draft => draft.warnings)),
      ...lints(task, facts, blockers),
    ],
    blockers: blockers.filter(blocker => !forced.includes(blocker)),
    forced,
    bootId: facts.bootId,
    evidence: drafts.flatMap(({ evidence }) => evidence ?? []),
  }
}

/** The same task with every `auto` settled: planned again after an apply, it must find nothing left to do. */
export function settledTask(plan: Plan, task: Task): Task {
  return {
    ...task,
    steps: plan.steps.flatMap(({ strategy: name, options }) => {
      // Of a strategy that chose others, these.
      const strategy = [...task.steps.map(step => step.strategy), ...strategies].find(known => known.name === name)
      return strategy ? [{ strategy, options }] : []
    }),
  }
}

/** The look must leave no trace. When modules or tables changed under it, somebody has to know. */
function passiveWarnings({ passive }: Facts): string[] {
  const changed = [
    passive.modules === 'changed' ? 'modules' : '',
    passive.tables === 'changed' ? 'firewall tables' : '',
  ]
  const what = changed.filter(name => name !== '').join(' and ')
  return what === '' ? [] : [`${what} changed while the host was looked at: by somebody else, or by a bug of ctfix`]
}

/** Mistakes in files that are read for any cure, but for those that keep it from being applied. */
function lints({ steps }: Task, facts: Facts, blockers: readonly Blocker[]): string[] {
  // A rollback plans no cure.
  if (!steps.some(({ strategy }) => strategies.includes(strategy))) return []
  return lint(facts).filter(text => !blockers.some(({ message }) => message === text))
}

/** Both plans would do the same to the same state; reasons and live entries may be others by then. */
export function isSamePlan(a: Plan, b: Plan): boolean {
  const acts = (plan: Plan): string =>
    JSON.stringify(plan.changes.filter(({ kind }) => kind !== 'entries').map(({ why: _, ...act }) => act))
  return acts(a) === acts(b)
}

/**
 * Runtime first, what boot reads after, and last what cannot be taken back: the order in which they are done, and backwards
 * the order in which they are undone. A refusal of modules is lifted before all of it, for modules, services and rules that
 * come back load modules. What boot starts no more leaves before the files that it would fail on, and comes back after
 * them; an image is made of the files, so it follows them.
 */
function orderChanges(changes: readonly Change[]): Change[] {
  const rank = ({ kind, after }: Change): number => {
    if (kind === 'boot-service') return after === null ? 0 : 2
    return kind === 'initramfs' ? 3 : 1
  }
  const lifts = changes.filter(change => change.kind === 'file' && liftsRefusal(change))
  const persistent = ofLayer(changes, 'persistent')
    .filter(change => !lifts.includes(change))
    .toSorted((a, b) => rank(a) - rank(b))
  return [...lifts, ...ofLayer(changes, 'runtime'), ...persistent, ...ofLayer(changes, 'final')]
}

/** The changes of one layer, in order. */
export function ofLayer(changes: readonly Change[], layer: Change['layer']): Change[] {
  return changes.filter(change => change.layer === layer)
}

function uniqueBlockers(blockers: readonly Blocker[]): Blocker[] {
  return [...new Map(blockers.map(blocker => [`${blocker.code} ${blocker.message}`, blocker])).values()]
}
