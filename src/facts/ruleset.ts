/** The live rules, word for word, where the probe was asked for them. Nothing is interpreted here. */
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
