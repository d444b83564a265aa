/** Addresses are translated here, which leaves fewer ways to cure a table with little room. */
import type { Rule } from '../finding.ts'
import { isStrained } from '../pressure.ts'

export const nat: Rule = facts => {
  if (!facts.nat.inUse || !isStrained(facts)) return null
  return {
    code: 'nat-in-use',
    severity: 'notice',
    title: 'addresses are translated here, so tracking has to stay',
    evidence: facts.nat.evidence.slice(0, 5),
    remedy:
      'raise and timeouts are open; not so blacklist, untrigger, and notrack of ports that are translated or forwarded; a low close_wait would break connections of clients behind it',
  }
}
