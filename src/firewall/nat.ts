/** Whether the rules translate a connection to a port of this host. */
import { runBase } from './chain.ts'
import type { Seen } from './match.ts'
import type { Place, Ruleset } from './ruleset.ts'

/** The rule that may translate it, of the first that do; null when none does. From outside, and from this host itself. */
export function translates({ tables }: Ruleset, protocol: 'tcp' | 'udp', port: number): Place | null {
  for (const table of tables) {
    for (const chain of table.chains.values()) {
      const { base } = chain
      if (base?.type !== 'nat' || (base.hook !== 'prerouting' && base.hook !== 'output')) continue
      const ends = runBase(table, chain, base, seenAt(base.hook, table.family, protocol, port), FRESH, false)
      // What translates is a verdict of its own kind: it may drop the packet, for all the walk knows.
      const ended = ends.find(({ end, by }) => end === 'dropped' && by !== null)
      if (ended?.by) return ended.by
    }
  }
  return null
}

const FRESH = { assuming: new Map<string, boolean>(), untracked: false, doubt: null }

function seenAt(hook: string, family: string, protocol: 'tcp' | 'udp', port: number): Seen {
  return {
    family: family === 'ip6' ? 6 : 4,
    protocol,
    direction: hook === 'prerouting' ? 'in' : 'out',
    ...{ source: null, destination: null, sourcePort: null, destinationPort: port },
    ...{ tcpFlags: protocol === 'tcp' ? 'syn' : 'other', icmp: null, state: 'new' },
  }
}
