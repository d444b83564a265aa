/** The table of another network namespace is full, or nearly: the limit is one for all, the count each one's own. */
import type { Facts } from '../../facts/facts.ts'
import { formatDuration } from '../../lang/duration.ts'
import { formatCount, formatShare, formatTimes } from '../../lang/numbers.ts'
import { PRESSURE } from '../../strategy/sizing.ts'
import type { Rule } from '../finding.ts'
import { agoOf, isLately, linesAreOurs, newLines } from '../pressure.ts'

/** Connections end while others are refused, so a full table has some room. */
const FULL = 0.95

export const namespaces: Rule = facts => {
  const pressed = pressedIn(facts)
  const logged = loggedIn(facts)
  if (pressed.length === 0 && logged === null) return null
  const programOf = (id: number): string => {
    const program = facts.census?.namespaces.find(one => one.id === id)?.program
    return program ? ` (${program} runs in it)` : ''
  }
  const ids = [...new Set([...pressed.map(({ id }) => id), ...(logged?.named ?? []).map(([id]) => Number(id))])]
  const isFull = pressed.some(({ usage }) => usage >= FULL) || (logged?.isNow ?? false)
  const isRecent = pressed.length > 0 || isLately(logged?.ago ?? null)
  const state = isFull ? 'is full' : pressed.length > 0 ? 'is nearly full' : 'was full'
  return {
    code: 'namespace-full',
    severity: isFull ? 'critical' : isRecent ? 'warning' : 'notice',
    title:
      ids.length === 0
        ? `the table of another network namespace ${state}: packets ${isFull ? 'are' : 'were'} dropped there, and not in this one`
        : `the table of another network namespace ${state}: ${ids.map(id => `in netns ${id}${programOf(id)}`).join(', ')}`,
    evidence: [
      ...pressed.map(
        ({ id, entries, usage }) =>
          `in netns ${id}: ${formatCount(entries)} of ${formatCount(facts.max ?? 0)} entries (${formatShare(usage)})`,
      ),
      ...(logged?.texts ?? []),
    ],
    remedy: 'the limit of this host holds for each namespace: raise it here, and look into the container that fills it',
    ...(pressed.length > 0 || isFull ? { cure: 'room-elsewhere' as const } : {}),
  }
}

function pressedIn({ census, max }: Facts): { id: number; entries: number; usage: number }[] {
  if (!max) return []
  return (census?.namespaces ?? []).flatMap(({ id, entries }) =>
    entries !== null && entries / max >= PRESSURE ? [{ id, entries, usage: entries / max }] : [],
  )
}

interface Logged {
  readonly named: readonly [id: string, lines: number][]
  readonly texts: readonly string[]
  /** Some came while it was watched. */
  readonly isNow: boolean
  readonly ago: number | null
}

/** null: no line of another namespace. In a container the log is that of the machine, and its namespaces are not its own. */
function loggedIn(facts: Facts): Logged | null {
  const { log, earlier, ownsKernel } = facts
  if (log === null || !ownsKernel) return null
  const named = Object.entries(log.byNamespace ?? {})
  const unnamed = log.lines > 0 && !linesAreOurs(facts) ? log.lines : 0
  if (named.length === 0 && unnamed === 0) return null
  const more = earlier?.log ? log.otherNamespaceLines - earlier.log.otherNamespaceLines : 0
  const ages = [
    ...(named.length > 0 ? [agoOf(facts, log.elsewhereAtSeconds)] : []),
    ...(unnamed > 0 ? [agoOf(facts, log.lastAtSeconds)] : []),
  ]
  const known = ages.flatMap(age => age ?? [])
  const ago = known.length < ages.length ? null : Math.min(...known)
  return {
    named,
    isNow: more > 0 || (unnamed > 0 && newLines(facts) > 0),
    ago,
    texts: [
      ...named.map(([id, lines]) => `the kernel logged "table full" in netns ${id} ${formatTimes(lines)}`),
      ...(unnamed > 0
        ? [`the kernel logged "table full" ${formatTimes(unnamed)}, and this table counts no dropped packet`]
        : []),
      ...(ago === null ? [] : [`the last such line is ${formatDuration(Math.round(ago))} old`]),
    ],
  }
}
