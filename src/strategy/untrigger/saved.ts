/** Saved rule sets without the rules that go; every other byte stays as it is. */
import { linesOf } from '../../firewall/iptables-save.ts'
import { nameText } from '../../firewall/triggers-nft.ts'
import { isSameRule, splitWords } from '../../firewall/words.ts'
import type { Name } from './names.ts'

/** The text of iptables-save without these rules. Of which backend they are a file does not say. */
export function withoutSaved(text: string, family: 4 | 6, names: readonly Name[]): string {
  const here = names.filter(({ of }) => of.by === 'iptables' && of.family === family)
  const seen = new Map<Name, number>()
  let table = ''
  return linesOf(text)
    .filter(line => {
      if (line.startsWith('*')) table = line.slice(1).trim()
      const said = ruleOf(line)
      if (!said) return true
      const meant = here.filter(({ of }) => of.by === 'iptables' && of.table === table && isRule(said, of))
      for (const name of meant) seen.set(name, (seen.get(name) ?? 0) + 1)
      return !meant.some(name => (seen.get(name) ?? 0) >= name.copy)
    })
    .join('\n')
}

interface Said {
  readonly chain: string
  readonly spec: readonly string[]
}

function ruleOf(line: string): Said | null {
  const [, chain, rest = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line) ?? []
  return chain === undefined ? null : { chain, spec: splitWords(rest) }
}

function isRule({ chain, spec }: Said, of: Extract<Name['of'], { by: 'iptables' }>): boolean {
  return chain === of.chain && isSameRule(spec, of.spec, of.family)
}

/** A file of nft without these rules, where a line of it is the rule and nothing else. */
export function withoutWritten(text: string, names: readonly Name[]): string {
  const here = names.flatMap(({ of }) => (of.by === 'nft' ? [of] : []))
  if (here.length === 0) return text
  const blocks: string[] = []
  return text
    .split('\n')
    .filter(line => {
      const said = line.replace(/#.*$/, '').trim()
      const where = `${blocks.join(' ')} `
      const opens = (said.match(/\{/g)?.length ?? 0) - (said.match(/\}/g)?.length ?? 0)
      if (opens > 0)
        blocks.push(...Array.from({ length: opens }, (_, i) => (i === 0 ? said.replace(/\s*\{$/, '') : '')))
      if (opens < 0) blocks.splice(opens)
      return opens !== 0 || said === '' || !here.some(of => isWritten(said, where, of))
    })
    .join('\n')
}

function isWritten(said: string, where: string, of: Extract<Name['of'], { by: 'nft' }>): boolean {
  const home = `table ${of.family} ${of.table} chain ${of.chain} `
  const short = of.family === 'ip' ? `table ${of.table} chain ${of.chain} ` : home
  if (where === home || where === short) return spelling(said) === spelling(of.text)
  const [, place, text = ''] = /^(?:add|insert) rule (\S+ \S+ \S+) (.*)$/.exec(said) ?? []
  return place === `${of.family} ${of.table} ${of.chain}` && spelling(text) === spelling(of.text)
}

/** The same for what people write and nft prints: blanks, quotes, and how states are listed. */
export function spelling(text: string): string {
  return nameText(text.replace(/;\s*$/, ''))
    .replace(/\s*,\s*/g, ',')
    .replace(/\{\s+/g, '{')
    .replace(/\s+\}/g, '}')
    .replace(/"([\w.:+*-]+)"/g, '$1')
    .replace(/\bct (state|status) ?\{?([a-z,]+)\}?/g, (_, key: string, list: string) => {
      return `ct ${key} ${list.split(',').toSorted().join(',')}`
    })
    .replace(/\s+/g, ' ')
    .trim()
}

/** True when a line of some other file (a script, an include, a rule file of another tool) says this rule. */
export function saysRule(text: string, { of }: Name): boolean {
  if (of.by === 'nft') return spelling(text.replace(/^.*\brule \S+ \S+ \S+ /, '')) === spelling(of.text)
  const words = splitWords(text.replace(/^\[\d+:\d+\] /, ''))
  const verb = words.findIndex(word => ['-A', '-I', '--append', '--insert'].includes(word))
  if (verb === -1 || words[verb + 1] !== of.chain) return false
  const table = words.findIndex(word => word === '-t' || word === '--table')
  if (table !== -1 && words[table + 1] !== of.table) return false
  if (/(^|\/)ip6tables/.test(words[0] ?? '') !== (of.family === 6) && /iptables|ip6tables/.test(words[0] ?? ''))
    return false
  const rest = words.slice(verb + 2).filter((_, i, all) => !(i === 0 && /^\d+$/.test(all[0] ?? '')))
  const at = rest.indexOf('-t')
  return isSameRule(at === -1 ? rest : rest.toSpliced(at, 2), of.spec, of.family)
}
