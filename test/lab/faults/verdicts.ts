/** What a report must say for what the host is. */
import { only } from '../apply/stage.ts'
import type { Document } from '../product.ts'

const EXIT: Readonly<Record<string, readonly number[]>> = {
  ok: [0],
  changed: [0],
  'rolled-back': [4],
  failed: [1, 7],
  unreachable: [3],
  blocked: [8, 9],
  skipped: [6],
  unknown: [5],
  'rollback-failed': [5],
}

interface Seen {
  readonly host: 'before' | 'after' | 'between'
  /** The host could not be asked. */
  readonly silent: boolean
  /** It was left in the middle by a disk that took no more writes: nobody could have brought it to a side. */
  readonly torn: boolean
  /** Another run was there too. */
  readonly second: Document | null
}

/** Where the report says something else than the host shows. */
export function contradictions(document: Document, exitCode: number, { host, silent, torn, second }: Seen): string[] {
  const { status, cause, error } = only(document)
  const said = `${status}${cause ? ` (${cause})` : ''}, exit ${exitCode}: ${error?.message ?? ''}`
  const expected = status === 'changed' || status === 'ok' ? 'after' : 'before'
  const bySecond = second !== null && only(second).status === 'changed'
  const truth = (): boolean => {
    if (status === 'unknown') return silent
    if (host === 'between' || status === 'rollback-failed')
      return torn && host === 'between' && status === 'rollback-failed'
    // What the other run did is none of this one's: it must say that it did nothing.
    if (bySecond) return host === 'after' && (cause === 'stale' || cause === 'locked' || status === 'ok')
    return host === expected
  }
  return [
    ...(truth() ? [] : [`the host is ${host}, and it says ${said}`]),
    ...(EXIT[status]?.includes(exitCode) && document.exit_code === exitCode ? [] : [`exit code: ${said}`]),
  ]
}

/** A second run is refused with who, when and why, or has nothing to do, or is the only one that does something. */
export function wrongsOfSecond(second: Document, first: Document): string[] {
  const { status, cause, error } = only(second)
  const isRefused =
    second.exit_code === 8 &&
    status === 'blocked' &&
    cause === 'locked' &&
    /locked by run \w+ of \S+ .*since \d{4}-\S+: .+/.test(error?.message ?? '') &&
    error?.message.includes(first.run) === true
  const isIdle = second.exit_code === 0 && status === 'ok'
  const isAlone = second.exit_code === 0 && status === 'changed' && only(first).status !== 'changed'
  if (isRefused || isIdle || isAlone) return []
  return [`the second run says ${status} (${cause}), exit ${second.exit_code}: ${error?.message}`]
}
