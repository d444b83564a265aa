/** The census in words: who fills the table. */
import type { Census, CensusPort } from '../facts/asked.ts'
import type { Facts } from '../facts/facts.ts'
import { formatCount, formatShare } from '../lang/numbers.ts'

/** Below so many entries a share says nothing. */
const LEAST_ROWS = 100

/** Less is nobody's share. */
const LEAST_SHARE = 0.01

/** null where nobody looked, or there is too little to speak of. */
export function censusIn({ census }: Facts): Census | null {
  return census && census.rows >= LEAST_ROWS ? census : null
}

/** Share of the entries that were looked at. */
export function share({ rows }: Census, entries: number): number {
  return rows === 0 ? 0 : entries / rows
}

/** `assured`, `unreplied` or `idle` over all states. */
export function sumOf({ states }: Census, what: 'assured' | 'unreplied' | 'idle'): number {
  return states.reduce((sum, state) => sum + state[what], 0)
}

/** `62.0 % tcp ESTABLISHED, 20.1 % udp`, the first few. */
export function sharesText(
  census: Census,
  parts: readonly { readonly name: string; readonly entries: number }[],
): string {
  const most = parts.filter(({ entries }) => share(census, entries) >= LEAST_SHARE).slice(0, 4)
  if (most.length === 0) return `none has ${formatShare(LEAST_SHARE)}`
  return most.map(({ name, entries }) => `${formatShare(share(census, entries))} ${name}`).join(', ')
}

/** `tcp ESTABLISHED`. */
export function stateName({ protocol, state }: { readonly protocol: string; readonly state: string | null }): string {
  return state === null ? protocol : `${protocol} ${state}`
}

/** `tcp port 80`, and `tcp port 5432 of others` where this host is the client, or passes them on. */
export function portName(asked: CensusPort): string {
  const { protocol, port } = asked
  return port === null ? protocol : `${protocol} port ${port}${isOfOthers(asked) ? ' of others' : ''}`
}

/** Most of these connections go to somebody else's service. */
export function isOfOthers({ entries, served }: CensusPort): boolean {
  return served !== null && served < entries / 2
}

/** How much of the table was looked at; nothing to say where all of it was. */
export function cutText({ cut, rows }: Census): string[] {
  if (cut === null) return []
  return [
    `of the first ${formatCount(rows)} entries: ${cut === 'rows' ? 'more are not counted' : 'time was over then'}`,
  ]
}
