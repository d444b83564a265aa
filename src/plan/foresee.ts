/** The facts as changes will leave them: what a later step plans on, and what the way to the host is looked for in. */
import type { Change } from '../change/change.ts'
import type { Facts, FileFact, RulesetText, SysctlSetting } from '../facts/facts.ts'
import { isOwnRule, withChain, withNftRule, withOwnTable, withoutNftRule } from '../firewall/own-ruleset.ts'
import { withoutRule, withRule } from '../firewall/rule-state.ts'

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
      case 'service':
        return withService(current, change.target, { running: change.after !== null })
      case 'boot-service':
        return withService(current, change.target, bootState(change.after))
      case 'initramfs':
        return withImage(current, change.after)
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
  const modules = others.map(module => ({ ...module, users: module.users.filter(user => user !== name) }))
  // With its core conntrack is gone, and all that could be read of it.
  const isCore = name === facts.family
  return isCore
    ? { ...facts, modules, family: null, providedBy: 'absent', count: null, max: null, buckets: null, usage: null }
    : { ...facts, modules }
}

function bootState(after: string | null): Pick<Service, 'enabled' | 'startedBy'> {
  return after === null ? { enabled: false } : { enabled: true, startedBy: after }
}

type Service = NonNullable<Facts['tracking']>['services'][number]

function withService(facts: Facts, name: string, state: Partial<Service>): Facts {
  if (facts.tracking === null) return facts
  const services = facts.tracking.services.map(service => {
    if (service.name !== name) return service
    const { startedBy, ...others } = service
    return { ...others, ...(startedBy === undefined || state.enabled === false ? {} : { startedBy }), ...state }
  })
  return { ...facts, tracking: { ...facts.tracking, services } }
}

/** What the new image holds is not known before it is made; what was to go is gone. */
function withImage(facts: Facts, after: string | null): Facts {
  const image = facts.tracking?.initramfs
  if (!facts.tracking || !image || after !== 'rebuilt') return facts
  return { ...facts, tracking: { ...facts.tracking, initramfs: { ...image, holds: [] } } }
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
  if (!file.path.includes('modules')) return { ...facts, files }
  return { ...facts, files, moduleLoadSettings: [...others(facts.moduleLoadSettings), ...content] }
}

function asSysctl(setting: { file: string; line: number; text: string }): SysctlSetting[] {
  const [key, value] = setting.text.split('=').map(part => part.trim())
  return key && value ? [{ ...setting, key, value, appliedBy: 'sysctl' }] : []
}
