/** `ctfix hostkeys scan`: fills a known_hosts, and prints one table for a person to compare. */
import { EXIT, type ExitCode } from '../errors.ts'
import { eachHost } from '../run/fleet.ts'
import { createHostKeyScan, type SeenKey } from '../transport/host-key-scan.ts'
import { checkOpenFiles } from '../transport/open-files.ts'
import { hostKeysDocument, hostKeysText, type Row } from '../view/host-keys.ts'
import type { SharedOptions } from './options.ts'
import { connectOptions, interruptSignals, openFleet } from './session.ts'

/** A changed key is never written: it is shown, and the command ends with 1. */
export async function scanHostKeys(options: SharedOptions): Promise<void> {
  const { hosts } = await openFleet(options)
  const scan = createHostKeyScan(connectOptions(options))
  checkOpenFiles(Math.min(hosts.length, options.forks))
  const { stop, leave } = interruptSignals()
  const keys = new Map<string, SeenKey>()
  const overSsh = hosts.filter(({ connection }) => connection === 'ssh')
  const outcomes = await eachHost(overSsh, { forks: options.forks, stop, emit: () => {} }, async host => {
    keys.set(host.name, await scan(host, leave))
    return { status: 'ok' }
  })
  const rows = outcomes.map(({ host, status, cause, error }): Row => {
    const key = keys.get(host) ?? null
    const missing = cause === 'excluded' ? 'excluded' : status === 'failed' ? 'failed' : 'not seen'
    return { host, key, state: key?.state ?? missing, error }
  })
  const exitCode = stop.aborted ? EXIT.interrupted : exitCodeOf(rows)
  const { output } = options
  process.stdout.write(
    output === 'human'
      ? hostKeysText(rows)
      : `${JSON.stringify(hostKeysDocument(rows, exitCode), null, output === 'json' ? 2 : 0)}\n`,
  )
  const added = rows.filter(({ key }) => key?.state === 'new').length
  if (added > 0)
    process.stderr.write(
      added === 1
        ? 'ctfix: 1 new key written down: compare its fingerprint before you rely on it\n'
        : `ctfix: ${added} new keys written down: compare their fingerprints before you rely on them\n`,
    )
  process.exitCode = exitCode
}

/** A key that must not be trusted goes before a host that shows none. */
export function exitCodeOf(rows: readonly Pick<Row, 'state'>[]): ExitCode {
  const has = (...states: readonly Row['state'][]): boolean => rows.some(({ state }) => states.includes(state))
  return has('changed', 'revoked', 'failed') ? EXIT.failed : has('not seen') ? EXIT.unreachable : EXIT.ok
}
