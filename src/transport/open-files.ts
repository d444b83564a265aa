/** Every connection is an open file, and running out of them half way through a fleet looks like a network that fails. */
import { readFileSync } from 'node:fs'
import { UsageError } from '../errors.ts'

/** Of one host in flight: the draws of a lottery it may need, or the three pipes of a ProxyCommand. */
const EACH = 4
/** What the process has open anyway: its own files, the run's record, DNS. */
const BASE = 64

/** Open files this process may have (Node raises its soft limit to the hard one); null where that cannot be told. */
export function openFilesLimit(limits = readLimits()): number | null {
  const [, , hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? []
  return hard === undefined ? null : hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}

/** Throws UsageError when so many hosts at once need more open files than this process may have. */
export function checkOpenFiles(atOnce: number, have: number | null = openFilesLimit()): void {
  const need = atOnce * EACH + BASE
  if (have === null || need <= have) return
  const fits = Math.floor((have - BASE) / EACH)
  const hint = fits >= 1 ? `ulimit -n ${need}, or --forks ${fits}` : `ulimit -n ${need}`
  throw new UsageError(`${atOnce} hosts at once need ${need} open files, and this process may have ${have}`, { hint })
}
