/** The live rules, word for word, where the probe was asked for them. Nothing is interpreted here. */
import type { OwnNft } from './asked.ts'
import type { RulesetSource, RulesetText } from './facts.ts'
import type { Look } from './look.ts'

/** What the probe calls its sources. */
const SOURCES: Readonly<Record<string, Omit<RulesetSource, 'text'>>> = {
  legacy4: { backend: 'iptables-legacy', family: 4, format: 'save' },
  legacy6: { backend: 'iptables-legacy', family: 6, format: 'save' },
  nft4: { backend: 'iptables-nft', family: 4, format: 'save' },
  nft6: { backend: 'iptables-nft', family: 6, format: 'save' },
  'nft-terse': { backend: 'nft', family: null, format: 'json' },
  'nft-json': { backend: 'nft', family: null, format: 'json' },
  'nft-text': { backend: 'nft', family: null, format: 'text' },
}

/**
 * Sources that came to their end, in the probe's order. `complete` when each that there is did; without root nobody was
 * allowed to look, so it never is. null when the probe was not asked.
 */
export function rulesetOf(look: Look): RulesetText | null {
  const there = look.sections.get('ruleset')
  if (there === undefined) return null
  const whole = Object.keys(SOURCES).filter(name => look.sections.has(`whole ${name}`))
  const sources = whole.flatMap(name => {
    const about = SOURCES[name]
    return about ? [{ ...about, text: look.sections.get(`ruleset ${name}`) ?? '' }] : []
  })
  const names = there.split('\n', 1)[0] ?? ''
  const expected = names.split(' ').filter(name => name !== '')
  const arrived = (name: string): boolean => whole.some(source => source === name || source.startsWith(`${name}-`))
  // The line is there, though empty, where somebody was allowed to look.
  return { sources, complete: there.includes('\n') && expected.every(arrived) }
}

/**
 * What of nft is ours. null too where it could not be listed to its end: then something of ours may still be there, and
 * the rule set is not complete either.
 */
export function ownNftOf(look: Look): OwnNft | null {
  const table = look.sections.get('own-table')
  const seen = look.sections.get('rules') ?? ''
  if (table === undefined || /^(truncated|#from failed)$/m.test(seen)) return null
  const rules = [...seen.matchAll(/^own (\S+) (\S+) (\S+)\t(.*)$/gm)].map(
    ([, family = '', name = '', chain = '', text = '']) => ({ family, table: name, chain, text: stateless(text) }),
  )
  return {
    table: table.trim() === '' ? null : table.trim(),
    rules: rules.filter(rule => `${rule.family} ${rule.table}` !== 'inet ctfix'),
  }
}

/** What -s leaves out of a rule. The list they were found in was made without it. */
function stateless(rule: string): string {
  return rule.replace(/\bcounter packets \d+ bytes \d+/g, 'counter').replace(/ # handle \d+$/, '')
}
