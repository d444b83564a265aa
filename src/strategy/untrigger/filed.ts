/** Rule sets of the files that boot loads: what a rule does there may be other than what it does now. */
import type { Facts, RulesetSource, RulesetText } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { looseSpec } from '../../firewall/loose.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { Ruleset } from '../../firewall/ruleset.ts'
import { type Trigger, triggersOf } from '../../firewall/triggers.ts'
import { SAVES } from '../saved-files.ts'
import { type Views, viewsOf } from './chains.ts'
import { copyOf } from './names.ts'
import { homeOf } from './rest.ts'
import { bagOfWords, statementsOf } from './written.ts'
import { isHeader, rulesOf, writtenViews } from './written-views.ts'

/** Files of rules that this strategy edits, and of which family; null: what nft reads. */
export const RULE_FILES: Readonly<Record<string, Family | null>> = {
  ...SAVES,
  '/etc/nftables.conf': null,
  '/etc/sysconfig/nftables.conf': null,
}

/** Ways to write a rule that a save has not, and that iptables-restore takes all the same. */
const ODD = /^(?:[ \t]+(?:\[|-)|(?:\[\d+:\d+\] )?(?:-[IRN]|--\w+) )/m

/** The rules that boot would load from a file of this content; null for what is no such file. */
export function filedRuleset(path: string, text: string, live: RulesetText | null): Ruleset | null {
  const family = RULE_FILES[path]
  if (family === undefined) return null
  if (family !== null) return readRuleset({ ...saved(text, family, ['iptables-legacy']), complete: !ODD.test(text) })
  const tables = [...writtenViews(text, live, { whole: false })].map(([key, { chains }]) => {
    const [, of = '', name = ''] = key.split(' ')
    const found = [...chains].map(([chain, { base, entries }]) => {
      return [chain, { name: chain, base, rules: entries.flatMap(({ parts }) => parts) }] as const
    })
    return { backend: 'nft' as const, family: of, name, chains: new Map(found) }
  })
  return { tables, complete: true }
}

export interface Filed {
  readonly path: string
  readonly views: Views
  /** What asks in a save, as either backend would load it; none of what nft reads. */
  readonly said: readonly Trigger[]
  /** The same rules in this file, for each of those that are live. */
  readonly twins: ReadonlyMap<Trigger, readonly Trigger[]>
}

/** Every file of rules that was read whole, set beside the live rules. */
export function filedBeside(facts: Facts, live: RulesetText, triggers: readonly Trigger[]): Filed[] {
  return facts.files.flatMap(({ path, state }): Filed[] => {
    const family = RULE_FILES[path]
    if (family === undefined || !state) return []
    return [
      {
        path,
        ...(family === null ? ofWritten(state.content, live, triggers) : ofSave(state.content, family, triggers)),
      },
    ]
  })
}

const BACKENDS = ['iptables-legacy', 'iptables-nft'] as const

/** Which backend loads it a file does not say. */
function saved(text: string, family: Family, backends: readonly RulesetSource['backend'][]): RulesetText {
  return { sources: backends.map(backend => ({ backend, family, format: 'save', text })), complete: true }
}

function ofSave(text: string, family: Family, triggers: readonly Trigger[]): Omit<Filed, 'path'> {
  const file = saved(text, family, BACKENDS)
  // Nothing is proven by a file of which not every rule is understood.
  const views = ODD.test(text) ? new Map() : viewsOf(file)
  const said = triggersOf(file)
  const found = Map.groupBy(said, one => one.place.backend + wordsOf(one))
  // A number means that one and all after it.
  const twins = new Map(
    triggers.map(one => [one, (found.get(one.place.backend + wordsOf(one)) ?? []).slice(copyOf(one) - 1)]),
  )
  return { views, twins, said }
}

/** The same for every spelling of a rule of iptables, of whichever backend; empty for one of nft. */
export function wordsOf({ rule }: Trigger): string {
  return rule && 'spec' in rule ? `${rule.family} ${rule.table} ${rule.chain} ${looseSpec(rule.spec, rule.family)}` : ''
}

function ofWritten(text: string, live: RulesetText, triggers: readonly Trigger[]): Omit<Filed, 'path'> {
  const rules = rulesOf(statementsOf(text)).filter(({ said }) => !isHeader(said))
  const lengths = new Map<string, number>()
  const places = rules.map(({ table, chain, said }) => {
    const home = `${table} ${chain}`
    const position = (lengths.get(home) ?? 0) + 1
    lengths.set(home, position)
    return { key: `${home} ${bagOfWords(said)}`, position }
  })
  const found = Map.groupBy(places, ({ key }) => key)
  const twins = new Map(
    triggers.map(one => {
      const here = one.place.backend === 'nft' ? found.get(`${homeOf(one.place)} ${bagOfWords(one.line)}`) : undefined
      return [one, (here ?? []).map(({ position }) => ({ ...one, position }))]
    }),
  )
  return { views: writtenViews(text, live, { whole: true }), twins, said: [] }
}
