/** What nobody could look at: not looked is not healthy. */
import type { Rule } from '../finding.ts'

export const unseen: Rule = ({ root, family, unreadable, census }) => {
  if (root || family === null) return null
  return {
    code: 'looked-without-root',
    severity: 'notice',
    title: 'looked at without root: what follows from rules, log and entries may be missing here',
    evidence: [
      ...(unreadable.length > 0 ? [`not readable: ${unreadable.join(', ')}`] : []),
      ...(census === null ? ['who fills the table could not be counted'] : []),
    ],
    remedy: 'diagnose with --become',
  }
}
