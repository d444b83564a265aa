/** A plan: what would be done to one host and why. Plain data; making one reads nothing and touches nothing. */
import { type Change, mergeChanges } from '../change/change.ts'
import type { Facts, FileFact, RulesetText, SysctlSetting } from '../facts/facts.ts'
import { isOwnRule, withChain, withNftRule, withOwnTable, withoutNftRule } from '../firewall/own-ruleset.ts'
import { withoutRule, withRule } from '../firewall/rule-state.ts'
import type { Blocker, Draft, Evidence, Strategy } from '../strategy/strategy.ts'
import { type Flow, pathBlockers } from './management-path.ts'

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
  const forced = task.force ? blockers.filter(({ forceable }) => forceable) : []
  return {
    host,
    steps: drafts.map((draft, i) => ({ strategy: task.steps[i]?.strategy.name ?? '', options: draft.settled })),
    changes,
    warnings: [...passiveWarnings(facts), ...new Set(drafts.flatMap(draft => draft.warnings))],
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
    steps: task.steps.map((step, i) => ({ ...step, options: plan.steps[i]?.options ?? step.options })),
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

/** Both plans would do the same to the same state; reasons and live entries may be others by then. */
export function isSamePlan(a: Plan, b: Plan): boolean {
  const acts = (plan: Plan): string =>
    JSON.stringify(plan.changes.filter(({ kind }) => kind !== 'entries').map(({ why: _, ...act }) => act))
  return acts(a) === acts(b)
}

/** Runtime first, files after, and last what cannot be taken back: the order in which they are done. */
function orderChanges(changes: readonly Change[]): Change[] {
  return [...ofLayer(changes, 'runtime'), ...ofLayer(changes, 'persistent'), ...ofLayer(changes, 'final')]
}

/** The changes of one layer, in order. */
export function ofLayer(changes: readonly Change[], layer: Change['layer']): Change[] {
  return changes.filter(change => change.layer === layer)
}

function uniqueBlockers(blockers: readonly Blocker[]): Blocker[] {
  return [...new Map(blockers.map(blocker => [`${blocker.code} ${blocker.message}`, blocker])).values()]
}

/** The facts as they would be once these changes are made. */
export function applyToFacts(facts: Facts, changes: readonly Change[]): Facts {
  return changes.reduce<Facts>((current, change) => {
    switch (change.kind) {
      case 'file':
        return withFile(current, { path: change.target, state: change.after, refused: null })
      case 'kernel-value':
        return withValue(current, change.target, change.after)
      case 'rule':
      case 'chain':
      case 'nft-table':
      case 'nft-rule':
        return withRules(current, change)
      case 'entries':
        return current
      case 'module':
        return withModule(current, change.target, change.after)
      default:
        return change satisfies never
    }
  }, facts)
}

function withValue(facts: Facts, target: string, after: string | null): Facts {
  const value = after === null ? null : Number(after)
  if (target.endsWith('conntrack_max')) {
    const usage = value && facts.count !== null ? facts.count / value : null
    return { ...facts, max: value, usage }
  }
  if (target.endsWith('/hashsize') || target.endsWith('conntrack_buckets')) return { ...facts, buckets: value }
  const timeout = /conntrack_(?:(\w+)_timeout_(\w+)|(\w+)_timeout)$/.exec(target)
  if (!timeout || value === null) return facts
  const name = timeout[3] ?? `${timeout[1]}_${timeout[2]}`
  return { ...facts, timeouts: { ...facts.timeouts, [name]: value } }
}

type LiveRulesChange = Extract<Change, { kind: 'rule' | 'chain' | 'nft-table' | 'nft-rule' }>

function withRules(facts: Facts, change: LiveRulesChange): Facts {
  if (facts.ruleset === null) return facts
  return { ...facts, ruleset: withLiveRules(facts.ruleset, change), ownNft: withOwn(facts.ownNft, change) }
}

/** What of nft is ours: there a plan looks for what is to go. */
function withOwn(own: Facts['ownNft'], { kind, before, after }: LiveRulesChange): Facts['ownNft'] {
  const { table, rules } = own ?? { table: null, rules: [] }
  if (kind === 'nft-table') return { table: after?.text.trim() ?? null, rules }
  if (kind !== 'nft-rule') return own
  const others = before ? rules.filter(rule => !isOwnRule(rule, before)) : rules
  if (!after) return { table, rules: others }
  const { family, table: of, chain, text, position } = after
  const isBeside = (rule: (typeof rules)[number]): boolean =>
    rule.family === family && rule.table === of && rule.chain === chain
  const beside = others.filter(isBeside)
  // Ours stand at the head of their chain.
  const placed = beside.toSpliced((position ?? beside.length + 1) - 1, 0, { family, table: of, chain, text })
  return { table, rules: [...others.filter(rule => !isBeside(rule)), ...placed] }
}

/** Only the whole rule set follows; what the cheap look found of it stays as it was. */
function withLiveRules(ruleset: RulesetText, change: LiveRulesChange): RulesetText {
  switch (change.kind) {
    case 'rule': {
      const without = change.before ? withoutRule(ruleset, change.before) : ruleset
      return change.after ? withRule(without, change.after) : without
    }
    case 'chain': {
      const either = change.after ?? change.before
      return either ? withChain(ruleset, either, change.after) : ruleset
    }
    case 'nft-table':
      return withOwnTable(ruleset, change.after?.json ?? null)
    case 'nft-rule': {
      const without = change.before ? withoutNftRule(ruleset, change.before) : ruleset
      return change.after ? withNftRule(without, change.after) : without
    }
    default:
      return change satisfies never
  }
}

function withModule(facts: Facts, target: string, after: 'loaded' | null): Facts {
  if (facts.modules === null) return facts
  const name = target.replaceAll('-', '_')
  const others = facts.modules.filter(module => module.name !== name)
  if (after !== null)
    return others.length < facts.modules.length
      ? facts
      : { ...facts, modules: [...others, { name, refs: 0, users: [] }] }
  return { ...facts, modules: others.map(module => ({ ...module, users: module.users.filter(user => user !== name) })) }
}

/** Replaces a file and what follows from its content: the settings boot reads from it. */
function withFile(facts: Facts, file: FileFact): Facts {
  const files = facts.files.map(known => (known.path === file.path ? file : known))
  const lines = (file.state?.content ?? '')
    .split('\n')
    .map((text, i) => ({ file: file.path, line: i + 1, text: text.trim() }))
  const content = lines.filter(({ text }) => text.includes('conntrack') && !text.startsWith('#'))
  const others = <S extends { readonly file: string }>(settings: readonly S[]): S[] =>
    settings.filter(setting => setting.file !== file.path)
  if (file.path.includes('sysctl')) {
    return { ...facts, files, sysctlSettings: [...others(facts.sysctlSettings), ...content.flatMap(asSysctl)] }
  }
  if (file.path.includes('modprobe')) {
    return { ...facts, files, modprobeSettings: [...others(facts.modprobeSettings), ...content] }
  }
  return { ...facts, files, moduleLoadSettings: [...others(facts.moduleLoadSettings), ...content] }
}

function asSysctl(setting: { file: string; line: number; text: string }): SysctlSetting[] {
  const [key, value] = setting.text.split('=').map(part => part.trim())
  return key && value ? [{ ...setting, key, value, appliedBy: 'sysctl' }] : []
}
