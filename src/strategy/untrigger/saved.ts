/** Saved rule sets without the rules that go; every other byte stays as it is. */
import { linesOf } from '../../firewall/iptables-save.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { triggerKind } from '../../firewall/triggers-iptables.ts'
import { isSameRule, splitWords } from '../../firewall/words.ts'
import { isLooselySame, looseSpec, shortened } from './loose.ts'
import type { Name } from './names.ts'
import { bagOfWords, type Statement, spelling, statementsOf, withDefined, writtenKind } from './written.ts'

/** The text of iptables-save without these rules. Of which backend they are a file does not say. */
export function withoutSaved(text: string, family: 4 | 6, names: readonly Name[]): string {
  const here = names.filter(({ of }) => of.by === 'iptables' && of.family === family)
  const verbatim = new Set(here.filter(({ of }) => holdsVerbatim(text, of)))
  const seen = new Map<Name, number>()
  let table = ''
  return linesOf(text)
    .filter(line => {
      if (line.startsWith('*')) table = line.slice(1).trim()
      const said = ruleOf(line)
      if (!said) return true
      const meant = here.filter(name => isRule({ ...said, table }, name.of, !verbatim.has(name)))
      for (const name of meant) seen.set(name, (seen.get(name) ?? 0) + 1)
      return !meant.some(name => (seen.get(name) ?? 0) >= name.copy)
    })
    .join('\n')
}

interface Said {
  readonly table: string
  readonly chain: string
  readonly spec: readonly string[]
}

function ruleOf(line: string): Omit<Said, 'table'> | null {
  const [, chain, rest = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line) ?? []
  return chain === undefined ? null : { chain, spec: splitWords(rest) }
}

/** Only where no line says it word for word may another spelling be meant: both may be there, and one of them stay. */
function isRule({ table, chain, spec }: Said, of: Name['of'], loosely: boolean): boolean {
  if (of.by !== 'iptables' || table !== of.table || chain !== of.chain) return false
  return loosely ? isLooselySame(spec, of.spec, of.family) : isSameRule(spec, of.spec, of.family)
}

function holdsVerbatim(text: string, of: Name['of']): boolean {
  let table = ''
  return linesOf(text).some(line => {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const said = ruleOf(line)
    return said !== null && isRule({ ...said, table }, of, false)
  })
}

/** A file of nft without these rules, where a line of it is the rule and nothing else. */
export function withoutWritten(text: string, names: readonly Name[]): string {
  const here = names.flatMap(({ of }) => (of.by === 'nft' ? [of] : []))
  if (here.length === 0) return text
  const statements = statementsOf(text)
  const going = statements.filter(one => one.alone && here.some(of => isWritten(one, statements, of)))
  const lines = new Set(going.map(({ line }) => line))
  return text
    .split('\n')
    .filter((_, at) => !lines.has(at + 1))
    .join('\n')
}

function isWritten(
  { home, text }: Statement,
  statements: readonly Statement[],
  of: Extract<Name['of'], { by: 'nft' }>,
): boolean {
  return home === homeOf(of) && spelling(withDefined(text, statements)) === spelling(of.text)
}

const homeOf = ({ family, table, chain }: Name['of'] | Trigger['place']): string => `${family} ${table} ${chain}`

export interface Line {
  readonly line: number
  readonly text: string
}

/** Lines of a save that ask for what one of these rules asked for, and are no rule that stays. */
export function leftInSave(text: string, family: 4 | 6, names: readonly Name[], left: readonly Trigger[]): Line[] {
  const kinds = new Set(
    names.map(({ of }) => (of.by === 'iptables' && of.family === family ? triggerKind(of.spec) : null)),
  )
  const stays = new Set(
    left.flatMap(({ rule }) =>
      rule && 'spec' in rule && rule.family === family
        ? [`${rule.table} ${rule.chain} ${looseSpec(rule.spec, family)}`]
        : [],
    ),
  )
  let table = ''
  return linesOf(text).flatMap((line, at): Line[] => {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const said = /^\s*(?:\[\d+:\d+\]\s*)?(?:-[AI]|--append|--insert)\s+(\S+)\s+(?:\d+\s+)?(.*)$/s.exec(line)
    const [, chain = '', rest = ''] = said ?? []
    const spec = shortened(splitWords(rest))
    const kind = said ? triggerKind(spec) : null
    const isLeft = kind !== null && kinds.has(kind) && !stays.has(`${table} ${chain} ${looseSpec(spec, family)}`)
    return isLeft ? [{ line: at + 1, text: line.trim() }] : []
  })
}

/** The same in a file of nft. */
export function leftInWritten(text: string, names: readonly Name[], left: readonly Trigger[]): Line[] {
  const kinds = new Set(names.map(({ of }) => (of.by === 'nft' ? writtenKind(of.text) : null)))
  if (kinds.size === 0) return []
  const stays = new Set(
    left.flatMap(({ place, line }) => (place.backend === 'nft' ? [`${homeOf(place)} ${bagOfWords(line)}`] : [])),
  )
  const statements = statementsOf(text)
  return statements.flatMap(one => {
    const kind = one.home === null ? null : writtenKind(one.text)
    const isLeft =
      kind !== null && kinds.has(kind) && !stays.has(`${one.home} ${bagOfWords(withDefined(one.text, statements))}`)
    return isLeft ? [{ line: one.line, text: one.text }] : []
  })
}

/** True when a line of some other file (a script, an include, a rule file of another tool) says this rule. */
export function saysRule(text: string, { of }: Name): boolean {
  if (of.by === 'nft') return spelling(text.replace(/^.*\brule \S+ \S+ \S+ /, '')) === spelling(of.text)
  const words = shortened(splitWords(text.replace(/^\[\d+:\d+\] /, '')))
  const verb = words.findIndex(word => word === '-A' || word === '-I')
  if (verb === -1 || words[verb + 1] !== of.chain) return false
  const table = words.indexOf('-t')
  if (table !== -1 && words[table + 1] !== of.table) return false
  if (/(^|\/)ip6tables/.test(words[0] ?? '') !== (of.family === 6) && /iptables|ip6tables/.test(words[0] ?? ''))
    return false
  const rest = words.slice(verb + 2).filter((_, i, all) => !(i === 0 && /^\d+$/.test(all[0] ?? '')))
  const at = rest.indexOf('-t')
  return isLooselySame(at === -1 ? rest : rest.toSpliced(at, 2), of.spec, of.family)
}
