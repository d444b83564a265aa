/** Connections that are held are open files for as long as the watch goes on. */
import { UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { openFilesLimit } from '../transport/open-files.ts'

/** A socket; or the pipes of a process, of two with the system's ssh: what holds the connection, and the session on it. */
function held({ connection, transport }: Pick<Host, 'connection' | 'transport'>): number {
  if (connection === 'local') return 3
  return transport === 'openssh' ? 7 : 1
}

/** More of a host that is being connected to: further draws of the lottery that this is on a host whose table is full. */
const CONNECTING = 4
/** What the process has open anyway. */
const BASE = 64

export interface HeldOptions {
  /** Files that tries from here take. */
  readonly besides?: number
  readonly have?: number | null
}

/** Throws UsageError when all of them together are more than this process may hold. */
export function checkHeldFiles(
  hosts: readonly Pick<Host, 'connection' | 'transport'>[],
  forks: number,
  { besides = 0, have = openFilesLimit() }: HeldOptions = {},
): void {
  const base = BASE + besides + Math.min(forks, hosts.length) * CONNECTING
  const sums: number[] = []
  for (const host of hosts) sums.push((sums.at(-1) ?? base) + held(host))
  const need = sums.at(-1) ?? base
  if (have === null || need <= have) return
  const fit = sums.findLastIndex(sum => sum <= have) + 1
  const rest = fit > 0 ? `, or --limit to ${fit} hosts` : ''
  throw new UsageError(
    `to hold ${hosts.length} connections takes ${need} open files, and this process may have ${have}`,
    { hint: `ulimit -n ${need}${rest}` },
  )
}
