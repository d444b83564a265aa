/** Measuring the hosts of a watch from this machine while they are watched. */
import type { Host } from '../inventory/host.ts'
import type { Lasting } from '../run/outside/lasting.ts'
import type { WatchEvent } from './watched.ts'

export interface SeenFromHere extends Disposable {
  /** Says what every host looks like by now. */
  readonly tell: () => void
  /** Ends it; tells once more when the last tries have ended. */
  readonly settle: () => Promise<void>
}

/** A single try that is lost is no share of anything: so long is the least that a share is of. */
const LEAST_WINDOW_MS = 30_000

/** Begins with all hosts but those that nobody is to touch. */
export function seeFromHere(
  hosts: readonly Host[],
  measure: (host: Host) => Lasting,
  { intervalMs, emit }: { readonly intervalMs: number; readonly emit: (event: WatchEvent) => void },
): SeenFromHere {
  const all = hosts.filter(({ exclude }) => exclude === null).map(host => ({ host: host.name, lasting: measure(host) }))
  const tell = (): void => {
    const windowMs = Math.max(LEAST_WINDOW_MS, intervalMs)
    for (const { host, lasting } of all) emit({ type: 'probe', host, probes: lasting.lately(windowMs) })
  }
  return {
    tell,
    async settle() {
      await Promise.all(all.map(({ lasting }) => lasting.settle()))
      tell()
    },
    [Symbol.dispose]() {
      for (const { lasting } of all) lasting[Symbol.dispose]()
    },
  }
}
