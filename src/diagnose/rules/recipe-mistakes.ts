/** Lines of configuration that do not do what they look like. */
import { brokenModprobeLines } from '../../strategy/boot.ts'
import { lint } from '../../strategy/lint.ts'
import type { Rule } from '../finding.ts'

export const recipeMistakes: Rule = facts => {
  const broken = brokenModprobeLines(facts).map(({ message }) => message)
  const mistakes = lint(facts).filter(text => !broken.includes(text))
  if (mistakes.length === 0) return null
  return {
    code: 'recipe-mistake',
    severity: 'warning',
    title: `${mistakes.length === 1 ? 'a line' : `${mistakes.length} lines`} of configuration ${mistakes.length === 1 ? 'does' : 'do'} nothing`,
    evidence: mistakes,
    remedy: 'correct the line, or take it away',
  }
}
