/** The watch for programs: a line for each reading and each change of a connection, or one document of all hosts. */
import type { ExitCode } from '../errors.ts'
import { rowOf } from '../watch/row.ts'
import type { WatchEvent, Watched } from '../watch/watched.ts'
import { SCHEMA_VERSION, toDocument } from './document.ts'

/** A line of `ctfix watch --output ndjson`. */
export function watchEventDocument(event: WatchEvent, after: Watched, at: Date): unknown {
  const { type, host } = event
  const head = { schema: SCHEMA_VERSION, type, host, at: at.toISOString() }
  if (event.type === 'link') return toDocument({ ...head, link: event.link, error: event.error })
  if (event.type === 'probe') return toDocument({ ...head, probes: event.probes })
  return toDocument({ ...head, ...figures(after) })
}

/** `ctfix watch --once --output json`. */
export function watchDocument(
  all: readonly Watched[],
  about: { readonly exitCode: ExitCode; readonly intervalSeconds: number; readonly now: Date; readonly nowMs: number },
): unknown {
  const { exitCode, intervalSeconds, now, nowMs } = about
  const hosts = all.map(watched => ({
    ...{ name: watched.host, link: watched.link, error: watched.error },
    at: watched.atMs === null ? null : new Date(now.getTime() - (nowMs - watched.atMs)).toISOString(),
    ...figures(watched),
    probes: watched.probes,
  }))
  return toDocument({ schema: SCHEMA_VERSION, exitCode, intervalSeconds, hosts })
}

/** The numbers of the newest reading, and what they and those before it come to. */
function figures(watched: Watched): object {
  const { family, count, max, usage, rate, secondsToFull, dropsRate, earlyDropsRate, insertFailedRate } = rowOf(watched)
  const last = watched.recent.at(-1)
  return {
    ...{ family: family ?? null, count, max, buckets: last?.buckets ?? null, usage: rounded(usage, 6) },
    ...{ drops: last?.drops ?? null, earlyDrops: last?.earlyDrops ?? null, insertFailed: last?.insertFailed ?? null },
    ...{ entriesPerSecond: rounded(rate), secondsToFull: rounded(secondsToFull), dropsPerSecond: rounded(dropsRate) },
    ...{ earlyDropsPerSecond: rounded(earlyDropsRate), insertFailedPerSecond: rounded(insertFailedRate) },
    newTableFullLines: watched.lines,
  }
}

function rounded(value: number | null, digits = 3): number | null {
  return value === null ? null : Math.round(value * 10 ** digits) / 10 ** digits
}
