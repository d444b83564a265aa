/** Saved rule sets without the rules that go; every other byte stays as it is. */
import { linesOf } from '../../firewall/iptables-save.ts'
import { isLooselySame, shortened } from '../../firewall/loose.ts'
import { isSameRule, splitWords } from '../../firewall/words.ts'
import type { Name } from './names.ts'
import { homeOf } from './rest.ts'
import { type Statement, spelling, statementsOf, withDefined } from './written.ts'

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
