/** What a record says of a run as a whole: which hosts are done, which are in doubt, which were never begun. */
import type { Progress, RecordedRun } from './recorded.ts'
import { type RunResult, readResult } from './result-file.ts'
import type { Status } from './status.ts'

/** `in-doubt`: begun, and nobody wrote down how it ended. `not-begun`: planned at most. */
export type HostState = Status | 'in-doubt' | 'not-begun'

export interface HostSummary {
  readonly name: string
  readonly state: HostState
  /** The last thing that was about to be asked of it. */
  readonly step: Progress['step']
  readonly error: string | null
  readonly digest: string | null
}

export interface RunSummary
  extends Pick<RecordedRun, 'run' | 'at' | 'who' | 'command' | 'strategy' | 'of' | 'directory'> {
  readonly hosts: readonly HostSummary[]
  /** Hosts of which somebody has to find out what they are. */
  readonly pending: readonly string[]
}

/** Sums a record up; hosts in the order of the run. */
export function summarizeRun(
  recorded: RecordedRun,
  { hosts: ended }: Pick<RunResult, 'hosts'> = readResult(recorded.directory),
): RunSummary {
  const { run, at, who, command, strategy, of, directory, progress } = recorded
  const names = [...new Set([...recorded.hosts, ...progress.keys()])]
  const hosts = names.map(name => atEnd(summarizeHost(name, progress.get(name)), ended))
  const pending = hosts.filter(({ state }) => state === 'in-doubt' || state === 'unknown').map(({ name }) => name)
  return { run, at, who, command, strategy, of, directory, hosts, pending }
}

function summarizeHost(name: string, progress: Progress | undefined): HostSummary {
  const { outcome = null, step = null } = progress ?? {}
  const state = outcome?.status ?? (step === null ? 'not-begun' : 'in-doubt')
  return { name, state, step, error: outcome?.error?.message ?? null, digest: outcome?.digest ?? null }
}

/**
 * What a run that came to its end says of a host goes before what was written down on the way: with it are those that it
 * found to have nothing to do with it. `skipped` is said of this try; one that was begun before is not done with that.
 */
function atEnd(host: HostSummary, ended: RunResult['hosts']): HostSummary {
  const found = ended.get(host.name)
  if (found === undefined || (found.status === 'skipped' && host.step !== null)) return host
  return { ...host, state: found.status, error: found.error?.message ?? null }
}

/** `changed 3, in-doubt 1`: how many hosts are in which state, in the order in which the states first come. */
export function countStates(hosts: readonly HostSummary[]): ReadonlyMap<HostState, number> {
  const counts = new Map<HostState, number>()
  for (const { state } of hosts) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}
