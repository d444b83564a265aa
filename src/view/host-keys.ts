/** Host keys as they were seen: one table to look at, or one document. */
import type { ExitCode } from '../errors.ts'
import { plain } from '../lang/text.ts'
import type { Outcome } from '../run/status.ts'
import type { SeenKey } from '../transport/host-key-scan.ts'
import { SCHEMA_VERSION, toDocument } from './document.ts'
import { table } from './table.ts'

/** `not seen`: the host was not reached; `failed`: what is said of it cannot be, or its key cannot be written down. */
export interface Row {
  readonly host: string
  readonly key: SeenKey | null
  readonly state: SeenKey['state'] | 'excluded' | 'not seen' | 'failed'
  readonly error: Outcome['error']
}

/** One line a host. */
export function hostKeysText(rows: readonly Row[]): string {
  const lines = rows.map(({ host, key, state, error }) =>
    key === null
      ? [host, '-', '-', '-', state, error?.message ?? '']
      : [host, key.name, key.type, key.fingerprint, state, against(key)],
  )
  const head = ['host', 'known_hosts', 'type', 'fingerprint', 'state', '']
  return table([head, ...lines].map(cells => cells.map(plain)))
    .map(line => `${line}\n`)
    .join('')
}

function against({ against, state }: SeenKey): string {
  if (against === null) return ''
  return state === 'revoked' ? against.place : `${against.place} has ${against.type} ${against.fingerprint}`
}

/** The document of `ctfix hostkeys scan`. */
export function hostKeysDocument(rows: readonly Row[], exitCode: ExitCode): unknown {
  const hosts = rows.map(({ host, key, state, error }) => ({
    name: host,
    knownAs: key?.name ?? null,
    type: key?.type ?? null,
    fingerprint: key?.fingerprint ?? null,
    state: state.replace(' ', '-'),
    against: key?.against ?? null,
    error,
  }))
  return toDocument({ schema: SCHEMA_VERSION, exitCode, hosts })
}
